//! Labels: which may be a container's.

use crate::domain::limits::LABEL_BYTES;
use std::collections::BTreeMap;

/// Prefixes that belong to containerd and its Kubernetes plugin.
const RESERVED: [&str; 2] = ["containerd.io/", "io.cri-containerd"];

/// The label with the signal that stops a container. containerd: `client.StopSignalLabel`.
pub const STOP_SIGNAL: &str = "io.containerd.image.config.stop-signal";

/// Why containerd would not store a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// The key is empty.
    #[error("must not have an empty key")]
    Empty,
    /// The key and the value are longer than [`LABEL_BYTES`].
    #[error("must be at most {LABEL_BYTES} bytes long, key and value together")]
    TooLong,
}

/// Checks that containerd would store a label.
///
/// # Errors
///
/// A [`LabelError`] that says why not.
pub fn check(key: &str, value: &str) -> Result<(), LabelError> {
    if key.is_empty() {
        return Err(LabelError::Empty);
    }
    if key.len() + value.len() > LABEL_BYTES {
        return Err(LabelError::TooLong);
    }
    Ok(())
}

/// The labels of an image that are safe to store, and a sentence for each that is not.
///
/// Reserved keys could make containerd treat a container as another's (CVE-2026-53488); a pair that is
/// too long would make Containers.Create fail.
///
/// containerd: `WithImageConfigLabels`, `labels.Validate`.
#[must_use]
pub fn safe(mut labels: BTreeMap<String, String>) -> (BTreeMap<String, String>, Vec<String>) {
    let mut warnings = Vec::new();
    labels.retain(|key, value| {
        let shown = || key.chars().take(80).collect::<String>();
        let why = if RESERVED.iter().any(|prefix| key.starts_with(prefix)) {
            "its key is reserved".to_owned()
        } else if let Err(error) = check(key, value) {
            format!("it {error}")
        } else {
            return true;
        };
        warnings.push(format!("label {:?} of the image is left out: {why}", shown()));
        false
    });
    (labels, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cve_2026_53488_reserved_keys_never_leave() {
        let labels = ["containerd.io/x", "io.cri-containerd.kind", "org.example"]
            .map(|key| (key.to_owned(), "v".to_owned()));
        let (kept, warnings) = safe(labels.into());
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["org.example"]);
        assert_eq!(warnings.len(), 2);
    }

    #[test]
    fn a_pair_of_exactly_the_limit_is_kept() {
        let labels =
            [("a", 4095), ("b", 4096), ("", 1)].map(|(k, n)| (k.to_owned(), "v".repeat(n)));
        let (kept, warnings) = safe(labels.into());
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["a"]);
        let empty = "label \"\" of the image is left out: it must not have an empty key";
        assert_eq!((warnings.len(), warnings[0].as_str()), (2, empty));
    }
}
