//! Names of CDI devices: `vendor.com/class=name`.

use std::fmt;

/// A fully qualified name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CdiName {
    /// The vendor.
    pub vendor: String,
    /// The class of devices.
    pub class: String,
    /// The device in the class.
    pub name: String,
}

impl CdiName {
    /// Reads a name.
    ///
    /// CDI: `parser.ParseQualifiedName`.
    ///
    /// # Errors
    ///
    /// A sentence that says what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=');
        let parts = parts.and_then(|(kind, name)| Some((kind.split_once('/')?, name)));
        let ((vendor, class), name) =
            parts.ok_or_else(|| format!("{text:?} must be as \"vendor.com/class=name\""))?;
        check_kind_part("vendor", vendor)?;
        check_kind_part("class", class)?;
        check_name(name)?;
        Ok(Self { vendor: vendor.to_owned(), class: class.to_owned(), name: name.to_owned() })
    }

    /// The vendor and the class.
    #[must_use]
    pub fn kind(&self) -> String {
        format!("{}/{}", self.vendor, self.class)
    }
}

impl fmt::Display for CdiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}={}", self.vendor, self.class, self.name)
    }
}

/// Checks a vendor or a class.
///
/// # Errors
///
/// A sentence that says what would be right.
pub fn check_kind_part(what: &str, text: &str) -> Result<(), String> {
    let good = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if good {
        return Ok(());
    }
    Err(format!(
        "the {what} {text:?} must be letters, digits, '_', '-' and '.', a letter first and no sign last"
    ))
}

/// Checks the last part of a name.
///
/// # Errors
///
/// A sentence that says what would be right.
pub fn check_name(text: &str) -> Result<(), String> {
    let good = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b));
    if good {
        return Ok(());
    }
    Err(format!(
        "the device name {text:?} must be letters, digits, '_', '-', '.' and ':', no sign first or last"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_qualified() {
        let name = CdiName::parse("nvidia.com/gpu=GPU-0:1").unwrap();
        assert_eq!((name.kind().as_str(), name.name.as_str()), ("nvidia.com/gpu", "GPU-0:1"));
        assert_eq!(name.to_string(), "nvidia.com/gpu=GPU-0:1");
        for text in [
            "", "gpu", "a/b", "a=b", "/b=c", "a/=c", "a/b=", "1a/b=c", "a/b/c=d", "a-/b=c",
            "a/b=-c", "a/b=ü",
        ] {
            assert!(CdiName::parse(text).is_err(), "{text}");
        }
        for text in ["a/b=c", "a/b=0", "vendor.com/net.x=a_b"] {
            assert!(CdiName::parse(text).is_ok(), "{text}");
        }
    }
}
