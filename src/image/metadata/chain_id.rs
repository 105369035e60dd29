//! Chain IDs: the names of stacks of layers. containerd prepares a container's snapshot on the snapshot of
//! that name.

use crate::image::digest::Digest;
use sha2::Digest as _;

/// The chain ID of layers, from the digests of their uncompressed bytes, lowest first; absent without
/// layers.
///
/// containerd: `identity.ChainID` of the image specification.
#[must_use]
pub fn compute(diff_ids: &[Digest]) -> Option<Digest> {
    let (lowest, above) = diff_ids.split_first()?;
    above.iter().try_fold(lowest.clone(), |below, layer| {
        let sum = sha2::Sha256::digest(format!("{below} {layer}"));
        Digest::parse(&format!("sha256:{}", hex::encode(sum))).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(digit: &str) -> Digest {
        Digest::parse(&format!("sha256:{}", digit.repeat(64))).unwrap()
    }

    #[test]
    fn none_and_one_are_themselves() {
        assert_eq!(compute(&[]), None);
        assert_eq!(compute(&[digest("1")]), Some(digest("1")));
        let long = Digest::parse(&format!("sha512:{}", "a".repeat(128))).unwrap();
        assert_eq!(compute(std::slice::from_ref(&long)), Some(long));
    }

    /// The expected values come from `sha256sum`.
    #[test]
    fn more_are_chained() {
        let two = compute(&[digest("1"), digest("2")]).unwrap();
        let three = compute(&[digest("1"), digest("2"), digest("3")]).unwrap();
        assert_eq!(
            two.as_str(),
            "sha256:9932074217c35353d2e03a3f5a86549f7c67bfeb0ba53e23d69f4d4c8f7958f5"
        );
        assert_eq!(
            three.as_str(),
            "sha256:50127c0d6b338be78246434b4bce23ecf75e505158ea0bbd15effeb162fbf3ec"
        );
        assert_ne!(compute(&[digest("2"), digest("1")]), Some(two));
    }
}
