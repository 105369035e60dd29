//! Why no spec comes out, and who caused it.

use crate::domain::violation::{Violation, Violations};

/// A spec that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The image is refused: by the profile's rules, or because no runtime accepts what it says.
    #[error("{0}")]
    Image(String),
    /// The stored spec of a container cannot be used.
    #[error("the stored spec {0}")]
    Stored(String),
    /// The request is refused.
    #[error(transparent)]
    Request(#[from] Violations),
    /// Nobody wants the result any more.
    #[error("the result is no longer wanted")]
    Unwanted,
    /// The explanation is larger than so many bytes.
    #[error("the explanation is larger than {0} bytes")]
    TooLarge(usize),
    /// A defect of specd.
    #[error("internal error: {0}")]
    Internal(String),
}

impl SpecError {
    /// A refusal of one field of the request.
    pub(crate) fn field(field: &str, description: impl std::fmt::Display) -> Self {
        Self::Request(Violation::new(field, description).into())
    }
}

/// What cannot happen: a part of a spec that is not JSON.
impl From<serde_json::Error> for SpecError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
