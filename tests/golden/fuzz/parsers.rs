//! The parsers alone: no input makes them panic, and what they take keeps its meaning.

use crate::fuzz::{corpus, encoded_requests, golden, lines};
use crate::support::fuzz::{cases, changed, changed_text};
use proptest::prelude::*;
use prost::Message;
use serde::de::IgnoredAny;
use specd::api::bounds;
use specd::api::pb::specd::{ExplainRequest, GenerateRequest};
use specd::image::metadata::{config, index, manifest};
use specd::image::reference::{ImageName, normalize};

/// Whether bytes are JSON to a strict parser. It looks at numbers more closely than Go and specd do where they are skipped.
fn is_json(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    serde_json::from_str::<IgnoredAny>(&text).is_ok()
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn fuzzed_image_config(bytes in changed(golden("image.json"))) {
        if config::parse(&bytes).is_ok() {
            prop_assert!(is_json(&bytes));
            // White space around it means nothing.
            let padded = [b" \n", bytes.as_slice(), b"\t"].concat();
            prop_assert_eq!(config::parse(&padded), config::parse(&bytes));
        }
    }

    #[test]
    fn fuzzed_index(bytes in changed(corpus("index"))) {
        if let Ok(entries) = index::parse(&bytes) {
            prop_assert!(is_json(&bytes));
            // No entry comes from nowhere: each has a digest of 71 characters or more.
            prop_assert!(entries.len() * 71 <= bytes.len());
        }
    }

    #[test]
    fn fuzzed_manifest(bytes in changed(corpus("index"))) {
        if let Ok(manifest) = manifest::parse(&bytes) {
            prop_assert!(is_json(&bytes));
            prop_assert!(manifest.layers.len() * 71 <= bytes.len());
        }
    }

    #[test]
    fn fuzzed_reference(text in changed_text(lines("reference"))) {
        let full = normalize(&text);
        if let Some(full) = &full {
            prop_assert_eq!(normalize(full), Some(full.clone()));
        }
        if let Ok(name) = ImageName::parse(&text) {
            let candidates = name.candidates();
            prop_assert!((1..=2).contains(&candidates.len()));
            prop_assert!(candidates.contains(&text) || candidates.iter().any(|one| Some(one) == full.as_ref()));
            for candidate in candidates {
                prop_assert!(ImageName::parse(&candidate).is_ok(), "{}", candidate);
            }
        }
    }

    /// What the check of the bounds lets pass is decoded to a message within them, or refused.
    #[test]
    fn fuzzed_request_decoder(bytes in changed(encoded_requests())) {
        for name in ["GenerateRequest", "GenerateProcessRequest", "GenerateResourcesRequest"] {
            let _ = bounds::check(name, &bytes);
        }
        if bounds::check("GenerateRequest", &bytes).is_ok()
            && let Ok(request) = GenerateRequest::decode(bytes.as_slice())
        {
            // As decoded it is within the bounds too, and so is the same inside of an Explain.
            prop_assert_eq!(bounds::check("GenerateRequest", &request.encode_to_vec()), Ok(()));
            let explain = ExplainRequest { request: Some(request) }.encode_to_vec();
            prop_assert_eq!(bounds::check("ExplainRequest", &explain), Ok(()));
        }
    }
}
