//! Digests: the addresses of blobs. `image::blob` computes them.
//!
//! Invariant: a [`Digest`] that exists has a known algorithm and as many lower-case hexadecimal digits
//! as that algorithm gives, so it is safe as a part of a path.

use std::fmt;
use std::sync::Arc;

/// The algorithms that containerd's content store accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, which nearly every image has.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name before the colon.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

/// A string that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a digest")]
pub struct DigestError(pub String);

/// The address of a blob, for example `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    text: Arc<str>,
}

impl Digest {
    /// Parses the text of a digest.
    ///
    /// # Errors
    ///
    /// [`DigestError`] on an unknown algorithm, a wrong length or a digit that is not lower-case
    /// hexadecimal.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let wrong = || DigestError(text.chars().take(160).collect());
        let (name, digits) = text.split_once(':').ok_or_else(wrong)?;
        let algorithm = [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512]
            .into_iter()
            .find(|a| a.name() == name)
            .ok_or_else(wrong)?;
        let hexadecimal = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() != algorithm.hex_len() || !hexadecimal {
            return Err(wrong());
        }
        Ok(Self { algorithm, text: text.into() })
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digits after the colon.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.name().len() + 1..]
    }

    /// The whole digest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_content_store_takes() {
        let sha256 = format!("sha256:{}", "0a".repeat(32));
        let digest = Digest::parse(&sha256).unwrap();
        assert_eq!(digest.hex(), "0a".repeat(32));
        assert_eq!(digest.as_str(), sha256);
        assert!(Digest::parse(&format!("sha512:{}", "f".repeat(128))).is_ok());
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "sha256",
            "sha256:",
            "sha256:../../etc/passwd",
            &format!("sha256:{}", "A".repeat(64)),
            &format!("sha256:{}", "a".repeat(63)),
            &format!("md5:{}", "a".repeat(32)),
        ] {
            assert!(Digest::parse(text).is_err(), "{text}");
        }
    }
}
