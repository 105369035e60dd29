//! A spec, or a part of one, as it travels.

use crate::spec::facts::SpecFacts;

/// The type URL under which containerd knows a runtime spec. It has no prefix `type.googleapis.com/`.
///
/// containerd: `typeurl.Register` in `client`.
pub const TYPE_URL: &str = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

/// The type URL of the process of an exec.
pub const PROCESS_TYPE_URL: &str = "types.containerd.io/opencontainers/runtime-spec/1/Process";

/// The type URL of the limits of an update.
pub const RESOURCES_TYPE_URL: &str =
    "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

/// A spec, or a part of one, in JSON: the bytes of Go's `json.Marshal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The JSON.
    pub json: Vec<u8>,
    /// What was filled in or will matter later.
    pub warnings: Vec<String>,
}

/// A finished spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The spec.
    pub encoded: Encoded,
    /// What containerd's requests repeat of it.
    pub facts: SpecFacts,
}

#[cfg(feature = "oci-spec")]
impl Encoded {
    /// The spec as the type of the crate `oci-spec`, for callers in Rust. That type does not have every field
    /// of the runtime spec 1.3; what it does not have is left out.
    ///
    /// # Errors
    ///
    /// What `oci-spec` does not accept, for example the process of an exec.
    pub fn to_oci_spec(&self) -> Result<oci_spec::runtime::Spec, serde_json::Error> {
        serde_json::from_slice(&self.json)
    }
}
