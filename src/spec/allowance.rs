//! What the work on one spec may take.

use crate::spec::error::SpecError;
use std::fmt;

/// What the work on one spec may take: it ends when its result is no longer wanted, or becomes too large.
#[derive(Clone, Copy)]
pub struct Allowance<'a> {
    /// Whether the result is still wanted: asked before each step and each rule.
    pub is_wanted: &'a (dyn Fn() -> bool + Sync),
    /// The largest explanation, in bytes of its texts.
    pub explained_bytes: usize,
}

impl Allowance<'_> {
    /// As much as it takes.
    pub const UNLIMITED: Self = Self { is_wanted: &|| true, explained_bytes: usize::MAX };

    /// Whether the work may go on.
    ///
    /// # Errors
    ///
    /// [`SpecError::Unwanted`] if nobody wants the result.
    pub(crate) fn check(&self) -> Result<(), SpecError> {
        if (self.is_wanted)() { Ok(()) } else { Err(SpecError::Unwanted) }
    }
}

impl fmt::Debug for Allowance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} bytes of explanation", self.explained_bytes)
    }
}
