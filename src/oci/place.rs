//! A place in a spec: the path that leads to a value.

use std::fmt;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A field of an object, or a key of a map.
    Key(String),
    /// A position in a list.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// A path into a spec. Shown with dots, for example `linux.sysctl["net.core.somaxconn"]` and
/// `mounts[2].options[0]`; empty for the whole spec.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place(pub Vec<Step>);

impl Place {
    /// Visits the place one step further in.
    pub fn enter<T>(&mut self, step: impl Into<Step>, visit: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(step.into());
        let result = visit(self);
        self.0.pop();
        result
    }

    /// The JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.0 {
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }

    /// The name of the field or key at a position of the path; empty if the path ends before it.
    #[must_use]
    pub fn key(&self, at: usize) -> &str {
        match self.0.get(at) {
            Some(Step::Key(key)) => key,
            Some(Step::Index(_)) | None => "",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |key: &str| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if !plain(key) => write!(f, "[{key:?}]")?,
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// The place that a list of steps leads to.
macro_rules! place {
    ($($step:expr),* $(,)?) => {
        $crate::oci::Place(vec![$($crate::oci::Step::from($step)),*])
    };
}
pub(crate) use place;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_shown_with_dots_and_as_pointers() {
        let at = place!["linux", "sysctl", "net.core/a~b", 3];
        assert_eq!(at.to_string(), r#"linux.sysctl["net.core/a~b"][3]"#);
        assert_eq!(at.pointer(), "/linux/sysctl/net.core~1a~0b/3");
        assert_eq!((at.key(1), at.key(3), at.key(9)), ("sysctl", "", ""));
        let mut at = place!["mounts"];
        assert_eq!(at.enter(2, |at| at.enter("type", |at| at.to_string())), "mounts[2].type");
        assert_eq!(at, place!["mounts"]);
        assert_eq!(Place::default().to_string(), "");
    }
}
