//! What a caller needs of the image beside the spec.

use crate::domain::image_rules::ImageRules;
use crate::domain::labels;
use crate::image::Description;
use crate::image::metadata::config::ImageConfig;
use crate::image::metadata::healthcheck::Healthcheck;
use crate::image::platform::Platform;
use crate::store::Resolved;
use std::collections::BTreeMap;

/// What a caller needs of the image to create the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    /// The stored name that matched.
    pub name: String,
    /// The digest that the name points to.
    pub digest: String,
    /// The digest of the manifest that was chosen.
    pub manifest_digest: String,
    /// The digest of the configuration.
    pub config_digest: String,
    /// The platform that the configuration states.
    pub platform: Platform,
    /// The chain ID of the layers, or empty.
    pub chain_id: String,
    /// Exposed ports, sorted.
    pub exposed_ports: Vec<String>,
    /// Volumes, sorted.
    pub volumes: Vec<String>,
    /// The stop signal, or empty.
    pub stop_signal: String,
    /// The time between the stop signal and SIGKILL, in seconds; -1 without a limit.
    pub stop_timeout: Option<i32>,
    /// The health check.
    pub healthcheck: Option<Box<Healthcheck>>,
    /// Labels that are safe to store.
    pub labels: BTreeMap<String, String>,
}

/// The labels that are safe to store, and a sentence for everything that is left out of the facts.
pub(super) fn safe_labels(config: &ImageConfig) -> (BTreeMap<String, String>, Vec<String>) {
    let Some(container) = &config.container else { return Default::default() };
    let (labels, mut warnings) = labels::safe(&container.labels);
    let unreadable = container.unreadable.iter();
    warnings.extend(unreadable.map(|why| format!("{why}: the image's value is left out")));
    (labels, warnings)
}

pub(super) fn facts(
    resolved: &Resolved,
    described: &Description,
    rules: ImageRules,
    labels: BTreeMap<String, String>,
) -> ImageFacts {
    let container = described.config.container.clone().unwrap_or_default();
    let exposed_ports = match (container.exposed_ports, rules) {
        (Some(ports), _) => ports.into_iter().collect(),
        (None, ImageRules::FaasRs) => vec!["8080/tcp".to_owned()],
        (None, ImageRules::Oci | ImageRules::Containerd) => Vec::new(),
    };
    ImageFacts {
        name: resolved.name.clone(),
        digest: resolved.target.digest.to_string(),
        manifest_digest: described.manifest_digest.to_string(),
        config_digest: described.config_digest.to_string(),
        platform: described.config.platform.clone(),
        chain_id: described.chain_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        exposed_ports,
        volumes: container.volumes.into_iter().collect(),
        stop_signal: container.stop_signal,
        stop_timeout: container.stop_timeout,
        healthcheck: container.healthcheck,
        labels,
    }
}
