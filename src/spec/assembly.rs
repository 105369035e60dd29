//! A spec that is being assembled.

use crate::domain::origin::{Field, Origin};
use crate::domain::violation::Violations;
use crate::oci::{self, Capabilities, Linux, Process};
use crate::spec::error::SpecError;
use crate::spec::provenance::Provenance;
use crate::spec::rules::wrong_type;
use crate::spec::{blame, merge_patch};
use serde_json::Value;

/// The spec, the warnings so far and, where it is asked for, the provenance of each value.
#[derive(Debug, Clone, Default)]
pub struct Assembly {
    /// The spec.
    pub spec: oci::Spec,
    /// What was filled in or will matter later, for the caller.
    pub warnings: Vec<String>,
    /// What the steps refused: there is no answer, and the rest is assembled to find what else is wrong.
    pub(super) refused: Violations,
    pub(super) provenance: Option<Box<Provenance>>,
}

impl Assembly {
    /// The assembly of a spec, which records provenance if there is any already.
    #[must_use]
    pub(crate) fn new(spec: oci::Spec, provenance: Option<Provenance>) -> Self {
        Self { spec, provenance: provenance.map(Box::new), ..Self::default() }
    }

    /// Notes what a step refused. Any other error ends the assembly.
    pub(super) fn note_refusal(&mut self, result: Result<(), SpecError>) -> Result<(), SpecError> {
        match result {
            Err(SpecError::Request(found)) => self.refused.extend(found),
            other => other?,
        }
        Ok(())
    }

    /// The process.
    pub(crate) fn process(&mut self) -> &mut Process {
        self.spec.process_mut()
    }

    /// The capability sets of the process.
    pub(crate) fn capabilities(&mut self) -> &mut Capabilities {
        self.process().capabilities.get_or_insert_default()
    }

    /// The Linux section.
    pub(crate) fn linux(&mut self) -> &mut Linux {
        self.spec.linux_mut()
    }

    /// Applies a merge patch (RFC 7396) to the spec.
    ///
    /// # Errors
    ///
    /// [`SpecError::Request`] where the patch is not a JSON object, or gives a field a value of a wrong type.
    pub(crate) fn apply_merge_patch(&mut self, patch: &str) -> Result<(), SpecError> {
        self.start_step("spec_merge_patch");
        let patch: Value = serde_json::from_str(patch)
            .map_err(|error| SpecError::field(blame::PATCH, format!("invalid JSON: {error}")))?;
        if !patch.is_object() {
            return Err(SpecError::field(blame::PATCH, "must be an object"));
        }
        merge_patch::check_lists(&patch)?;
        let mut json = serde_json::to_value(&self.spec)?;
        merge_patch::apply(&mut json, patch.clone());
        self.spec = oci::json::from_value(json)
            .map_err(|wrong| blame::refuse_patch(wrong.into_iter().map(wrong_type)))?;
        if let Some(provenance) = &mut self.provenance {
            let patched = serde_json::to_value(&self.spec)?;
            provenance
                .attribute_patch(patched, patch, |pointer| Origin::MergePatch(pointer.to_owned()));
        }
        Ok(())
    }

    /// How each value of the finished spec came to be, in texts of at most so many bytes; nothing where that was not
    /// recorded.
    pub(crate) fn into_fields(self, most_bytes: usize) -> Result<Vec<Field>, SpecError> {
        let Some(mut provenance) = self.provenance else { return Ok(Vec::new()) };
        let finished = serde_json::to_value(&self.spec)?;
        provenance.attribute_changes(finished.clone(), None);
        provenance.fields(&finished, most_bytes).ok_or(SpecError::TooLarge(most_bytes))
    }
}
