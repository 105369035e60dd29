//! What containerd's requests need of a container beside its spec.

use crate::domain::ids::Snapshotter;
use crate::domain::labels::{self, STOP_SIGNAL};
use crate::image::Description;
use crate::image::snapshot::key::DEFAULT_SNAPSHOTTER;
use crate::spec::SpecFacts;
use std::collections::BTreeMap;

/// The runtime of a namespace that has no default. containerd: `defaults.DefaultRuntime`.
const RUNTIME: &str = "io.containerd.runc.v2";

/// The signal of an image that states none, in the command lines of containerd.
const DEFAULT_STOP_SIGNAL: &str = "SIGTERM";

/// What containerd's requests need of a container beside its spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerFacts {
    /// The labels of the container.
    pub labels: BTreeMap<String, String>,
    /// The name of the runtime.
    pub runtime: String,
    /// What the requests repeat of the spec.
    pub spec: SpecFacts,
    /// The snapshotter.
    pub snapshotter: String,
    /// The parent of the snapshot: the chain ID of the layers, or empty.
    pub parent: String,
}

/// The facts, and a warning for each label of the image that is left out.
pub(super) fn facts(
    described: &Description,
    spec: SpecFacts,
    snapshotter: Option<&Snapshotter>,
    runtime: Option<&str>,
    requested_labels: &BTreeMap<String, String>,
) -> (ContainerFacts, Vec<String>) {
    let snapshotter = snapshotter.map_or(DEFAULT_SNAPSHOTTER, Snapshotter::as_str).to_owned();
    let image = described.config.container.as_ref();
    let mut labels = image.map(|image| image.labels.clone()).unwrap_or_default();
    let stop_signal = image.map_or("", |image| image.stop_signal.as_str());
    let stop_signal = if stop_signal.is_empty() { DEFAULT_STOP_SIGNAL } else { stop_signal };
    labels.insert(STOP_SIGNAL.to_owned(), stop_signal.to_owned());
    let (mut labels, warnings) = labels::safe(labels);
    labels.extend(requested_labels.clone());
    let facts = ContainerFacts {
        labels,
        runtime: runtime.unwrap_or(RUNTIME).to_owned(),
        spec,
        snapshotter,
        parent: described.chain_id.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    (facts, warnings)
}
