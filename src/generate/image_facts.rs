//! What a caller needs of the image beside the spec.

use crate::domain::image_rules::ImageRules;
use crate::image::Description;
use crate::image::metadata::healthcheck::Healthcheck;
use crate::image::platform::Platform;
use crate::store::Resolved;

/// What a caller needs of the image beside the spec.
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
    /// Exposed ports, sorted.
    pub exposed_ports: Vec<String>,
    /// Volumes, sorted.
    pub volumes: Vec<String>,
    /// The time between the stop signal and SIGKILL, in seconds; -1 without a limit.
    pub stop_timeout: Option<i32>,
    /// The health check.
    pub healthcheck: Option<Box<Healthcheck>>,
}

/// A sentence for each value of the image that is left out of its facts.
pub(super) fn warnings(described: &Description) -> impl Iterator<Item = String> {
    let unreadable = described.config.container.iter().flat_map(|container| &container.unreadable);
    unreadable.map(|why| format!("{why}: the image's value is left out"))
}

pub(super) fn facts(resolved: &Resolved, described: &Description, rules: ImageRules) -> ImageFacts {
    let container = described.config.container.as_ref();
    let exposed_ports = match (container.and_then(|c| c.exposed_ports.as_ref()), rules) {
        (Some(ports), _) => ports.iter().cloned().collect(),
        (None, ImageRules::FaasRs) => vec!["8080/tcp".to_owned()],
        (None, ImageRules::Oci | ImageRules::Containerd) => Vec::new(),
    };
    ImageFacts {
        name: resolved.name.clone(),
        digest: resolved.target.digest.to_string(),
        manifest_digest: described.manifest_digest.to_string(),
        config_digest: described.config_digest.to_string(),
        platform: described.config.platform.clone(),
        exposed_ports,
        volumes: container.map(|c| c.volumes.iter().cloned().collect()).unwrap_or_default(),
        stop_timeout: container.and_then(|c| c.stop_timeout),
        healthcheck: container.and_then(|c| c.healthcheck.clone()),
    }
}
