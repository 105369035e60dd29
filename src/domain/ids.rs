//! Identifiers: the namespace and the id of a container, and the name of a snapshotter.
//!
//! The first two end in a cgroup path and in a path of a network namespace, so nothing but containerd's own
//! pattern passes.
//!
//! Invariant: a [`Namespace`], a [`ContainerId`] or a [`Snapshotter`] that exists has passed [`check`].

use std::fmt;
use std::sync::Arc;

/// The longest identifier that containerd accepts, in bytes.
pub const MAX_LEN: usize = 76;

/// Why a string is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Nothing is there.
    #[error("must not be empty")]
    Empty,
    /// Longer than [`MAX_LEN`].
    #[error("is {0} bytes long, at most {MAX_LEN} are allowed")]
    TooLong(usize),
    /// A byte that the pattern does not have, or a separator where none may stand.
    #[error("must be letters and digits, with single '.', '_' or '-' between them")]
    Malformed,
}

/// Checks a string against `^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$` and [`MAX_LEN`].
///
/// containerd: `identifiers.Validate`.
///
/// # Errors
///
/// An [`IdentifierError`] that says which part of the rule is broken.
pub fn check(text: &str) -> Result<(), IdentifierError> {
    if text.is_empty() {
        return Err(IdentifierError::Empty);
    }
    if text.len() > MAX_LEN {
        return Err(IdentifierError::TooLong(text.len()));
    }
    let words_hold = text
        .split(['.', '_', '-'])
        .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()));
    if words_hold { Ok(()) } else { Err(IdentifierError::Malformed) }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a string that [`check`] accepts.
            ///
            /// # Errors
            ///
            /// What [`check`] answers.
            pub fn parse(text: &str) -> Result<Self, IdentifierError> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// A containerd namespace.
    Namespace
}
identifier! {
    /// A container's id.
    ContainerId
}
impl ContainerId {
    /// The first 12 characters, which Docker makes the host name.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

identifier! {
    /// The name of a snapshotter, for example `overlayfs`.
    Snapshotter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// containerd's regular expression, spelled as a state machine of its own.
    fn pattern(text: &[u8]) -> bool {
        let mut after_word = false;
        for &b in text {
            match (after_word, b) {
                (_, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9') => after_word = true,
                (true, b'.' | b'_' | b'-') => after_word = false,
                _ => return false,
            }
        }
        after_word && text.len() <= MAX_LEN
    }

    #[test]
    fn identifiers_have_every_byte_at_every_position_checked() {
        for position in 0..3 {
            for byte in 0..=255_u8 {
                let mut bytes = *b"abc";
                bytes[position] = byte;
                let Ok(text) = std::str::from_utf8(&bytes) else {
                    continue;
                };
                assert_eq!(check(text).is_ok(), pattern(&bytes), "{text:?}");
            }
        }
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert_eq!(check(&"a".repeat(76)), Ok(()));
        assert_eq!(check(&"a".repeat(77)), Err(IdentifierError::TooLong(77)));
        assert_eq!(check(""), Err(IdentifierError::Empty));
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(10_000))]

        #[test]
        fn identifiers_are_those_of_the_pattern(text in "[a-zA-Z0-9._/\\-é ]{0,80}") {
            proptest::prop_assert_eq!(check(&text).is_ok(), pattern(text.as_bytes()));
        }
    }
}
