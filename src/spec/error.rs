//! Why no spec comes out, and whose fault it is.

use crate::domain::violation::{Violation, Violations};

/// A spec that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// What the image says is refused: by the profile, or because no runtime takes it.
    #[error("{0}")]
    Image(String),
    /// What is stored of a container cannot be used.
    #[error("the stored spec {0}")]
    Stored(String),
    /// What the caller asks for is refused.
    #[error(transparent)]
    Request(#[from] Violations),
    /// A profile that is none. A defect: profiles are checked when they are loaded.
    #[error("profile {name}: {reason}")]
    Profile {
        /// The profile's name, or its file.
        name: String,
        /// What is wrong with it, with its position where there is one.
        reason: String,
    },
}

impl SpecError {
    /// A refusal of one field of the request.
    pub(crate) fn field(field: &str, description: impl std::fmt::Display) -> Self {
        Self::Request(Violation::new(field, description).into())
    }
}
