//! Users as text and as numbers: an image's USER, and the user of a process.
//!
//! A number out of range is an error and never a name, and an empty part is an error and never root.

use crate::domain::limits::MAX_ID;

/// A decimal number in a USER, a passwd line or a group line.
///
/// containerd: `strconv.Atoi`, with the bounds of `oci.WithUser`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// A uid or gid.
    Id(u32),
    /// A number below 0 or above [`MAX_ID`].
    OutOfRange,
    /// Not a number: a name, or empty.
    NotOne,
}

impl Number {
    /// Reads a number: decimal digits after an optional sign.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let (negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] | digits => (false, digits),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Self::NotOne;
        }
        let magnitude = digits.iter().fold(0_u64, |sum, digit| {
            sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        });
        match u32::try_from(magnitude) {
            Ok(id) if id <= MAX_ID && (!negative || id == 0) => Self::Id(id),
            _ => Self::OutOfRange,
        }
    }
}

/// One half of a USER.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Account {
    /// A uid or gid.
    Id(u32),
    /// A name to look up.
    Name(String),
}

/// A USER: `user`, `uid`, `user:group`, `uid:gid`, `uid:group` or `user:gid`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserSpec {
    /// Who.
    pub user: Account,
    /// The group, if one is named.
    pub group: Option<Account>,
}

/// Why a USER is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserSpecError {
    /// More than one colon.
    #[error("user {0:?} has more than one ':'")]
    TooManyParts(String),
    /// An empty half. containerd reads it as 0, which is root.
    #[error("user {0:?} has an empty {1}")]
    Empty(String, &'static str),
    /// A number that no runtime accepts.
    #[error("user {0:?}: {1} out of range, 0 to {MAX_ID} are allowed")]
    OutOfRange(String, &'static str),
}

impl UserSpec {
    /// Parses a USER.
    ///
    /// containerd: `oci.WithUser`, which also accepts empty halves.
    ///
    /// # Errors
    ///
    /// A [`UserSpecError`]; a number out of range is never read as a name.
    pub fn parse(text: &str) -> Result<Self, UserSpecError> {
        let account = |part: &str, word: &'static str, id: &'static str| {
            if part.is_empty() {
                return Err(UserSpecError::Empty(text.to_owned(), word));
            }
            match Number::read(part.as_bytes()) {
                Number::Id(value) => Ok(Account::Id(value)),
                Number::OutOfRange => Err(UserSpecError::OutOfRange(text.to_owned(), id)),
                Number::NotOne => Ok(Account::Name(part.to_owned())),
            }
        };
        let (user, group) = match text.split_once(':') {
            None => (text, None),
            Some((user, group)) if !group.contains(':') => (user, Some(group)),
            Some(_) => return Err(UserSpecError::TooManyParts(text.to_owned())),
        };
        Ok(Self {
            user: account(user, "user", "uid")?,
            group: group.map(|group| account(group, "group", "gid")).transpose()?,
        })
    }
}

impl UserSpec {
    /// A name alone, also if it looks like a number.
    ///
    /// containerd: `oci.WithUsername`.
    ///
    /// # Errors
    ///
    /// A sentence if no line of `/etc/passwd` can have the name.
    pub fn named(name: &str) -> Result<Self, &'static str> {
        if name.is_empty() || name.contains([':', '\n', '\0']) {
            return Err("must be a name, without a ':'");
        }
        Ok(Self { user: Account::Name(name.to_owned()), group: None })
    }
}

/// The user of a process, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessUser {
    /// The user id.
    pub uid: u32,
    /// The primary group id.
    pub gid: u32,
    /// The groups of the process, in order.
    pub additional_gids: Vec<u32>,
}

impl ProcessUser {
    /// Root without additional groups: the user of all processes of faas-rs.
    #[must_use]
    pub fn bare_root() -> Self {
        Self { uid: 0, gid: 0, additional_gids: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(value: u32) -> Account {
        Account::Id(value)
    }
    fn name(text: &str) -> Account {
        Account::Name(text.to_owned())
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        assert_eq!(Number::read(b"007"), Number::Id(7));
        assert_eq!(Number::read(b"+5"), Number::Id(5));
        assert_eq!(Number::read(b"-0"), Number::Id(0));
        assert_eq!(Number::read(b"2147483647"), Number::Id(MAX_ID));
        for text in ["", "+", "-", "0x10", "1_000", " 1000", "abc", "1 "] {
            assert_eq!(Number::read(text.as_bytes()), Number::NotOne, "{text:?}");
        }
    }

    /// Also CVE-2026-46680: they are neither wrapped round to 0 nor looked up as a name.
    #[test]
    fn cve_2024_40635_numbers_that_do_not_fit_are_out_of_range() {
        for text in [
            "-1",
            "2147483648",
            "4294967295",
            "4294967296",
            "9223372036854775808",
            "99999999999999999999",
            "000099999999999999999999999999999999",
        ] {
            assert_eq!(Number::read(text.as_bytes()), Number::OutOfRange, "{text:?}");
            assert!(UserSpec::parse(text).is_err());
            assert!(UserSpec::parse(&format!("0:{text}")).is_err());
        }
    }

    #[test]
    fn halves_are_numbers_or_names() {
        let parse = |text| UserSpec::parse(text).unwrap();
        assert_eq!(parse("app"), UserSpec { user: name("app"), group: None });
        assert_eq!(parse("7:www"), UserSpec { user: id(7), group: Some(name("www")) });
        assert_eq!(parse("app:8"), UserSpec { user: name("app"), group: Some(id(8)) });
    }

    #[test]
    fn an_empty_half_is_never_root() {
        for text in ["", ":", "app:", ":www"] {
            assert!(matches!(UserSpec::parse(text), Err(UserSpecError::Empty(..))), "{text:?}");
        }
        assert!(matches!(UserSpec::parse("a:b:c"), Err(UserSpecError::TooManyParts(_))));
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_standard_parser(text in "[+-]?[0-9]{1,25}|\\PC{0,8}") {
            let expected = match text.parse::<i128>() {
                Ok(value) => u32::try_from(value)
                    .ok()
                    .filter(|id| *id <= MAX_ID)
                    .map_or(Number::OutOfRange, Number::Id),
                Err(_) => Number::NotOne,
            };
            proptest::prop_assert_eq!(Number::read(text.as_bytes()), expected);
        }
    }
}
