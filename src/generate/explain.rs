//! The same use case, with the origin of each field of the spec.

use crate::domain::origin::Field;
use crate::domain::request::Request;
use crate::generate::{GenerateError, Generated, Generator};
use crate::store::Deadline;

/// A spec and the origins of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The generated spec.
    pub generated: Generated,
    /// Each leaf of the spec in its order, and removed leaves.
    pub fields: Vec<Field>,
}

impl Generator {
    /// The spec of one container, made by the same assembly as `generate`, with provenance of at most so many bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::generate`].
    pub async fn explain(
        &self,
        request: &Request,
        most_bytes: usize,
        deadline: Deadline,
    ) -> Result<Explained, GenerateError> {
        let (generated, fields) = self.make(request, None, Some(most_bytes), deadline).await?;
        Ok(Explained { generated, fields })
    }
}
