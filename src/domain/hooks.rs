//! Programs that the runtime runs at moments of a container's life, in the words of the OCI runtime
//! specification.

use serde::Serialize;

/// The moments, in the order of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// The hooks `prestart`.
    Prestart,
    /// The hooks `createRuntime`.
    CreateRuntime,
    /// The hooks `createContainer`.
    CreateContainer,
    /// The hooks `startContainer`.
    StartContainer,
    /// The hooks `poststart`.
    Poststart,
    /// The hooks `poststop`.
    Poststop,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// The program, an absolute path.
    pub path: String,
    /// Its arguments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Its environment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Seconds after which it is killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i32>,
}
