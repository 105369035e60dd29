//! The image's configuration, as far as a spec needs it.
//!
//! Reading it out of JSON is `image::config_json`'s. Absent and `null` are the same here, and differ
//! from empty where a profile tells them apart.

use crate::domain::digest::Digest;
use crate::domain::platform::Platform;
use std::collections::{BTreeMap, BTreeSet};

/// What an image says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// For which platform it was built, as it states it.
    pub platform: Platform,
    /// How to run it; nothing where the image does not say.
    pub container: Option<ContainerConfig>,
    /// The digests of the uncompressed layers, lowest first.
    pub diff_ids: Vec<Digest>,
}

/// How an image wants to be run: the `config` object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerConfig {
    /// USER, or empty.
    pub user: String,
    /// ENV.
    pub env: Option<Vec<String>>,
    /// ENTRYPOINT.
    pub entrypoint: Option<Vec<String>>,
    /// CMD.
    pub cmd: Option<Vec<String>>,
    /// WORKDIR, or empty.
    pub working_dir: String,
    /// EXPOSE.
    pub exposed_ports: Option<BTreeSet<String>>,
    /// VOLUME.
    pub volumes: BTreeSet<String>,
    /// STOPSIGNAL, or empty.
    pub stop_signal: String,
    /// LABEL.
    pub labels: BTreeMap<String, String>,
}
