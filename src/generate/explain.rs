//! The same use case, for who wants to know where each field of the spec comes from.

use crate::domain::origin::Field;
use crate::domain::request::Request;
use crate::generate::{GenerateError, Generated, Generator};
use crate::store::Deadline;

/// A spec, and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What is generated.
    pub generated: Generated,
    /// Each leaf of the spec in its order, and those that are gone.
    pub fields: Vec<Field>,
}

impl Generator {
    /// The spec of one container, by the very assembly that generates it, with a journal.
    ///
    /// # Errors
    ///
    /// As [`Self::generate`].
    pub async fn explain(
        &self,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Explained, GenerateError> {
        let (generated, fields) = self.make(request, true, deadline).await?;
        Ok(Explained { generated, fields })
    }
}
