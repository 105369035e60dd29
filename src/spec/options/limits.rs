//! Limits of the process.

use crate::domain::origin::Origin;
use crate::spec::draft::{Draft, from_json};
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
use crate::spec::opt::Inputs;
use oci_spec::runtime::PosixRlimit;
use serde_json::json;

/// Sets resource limits, one of a kind in the place of another, and the score by which the kernel kills.
///
/// containerd: `oci.WithRlimit`.
pub(crate) fn limits(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let process = &inputs.options.process;
    let mut limits = draft.process.rlimits().clone().unwrap_or_default();
    for limit in &process.rlimits {
        let new: PosixRlimit =
            from_json(json!({"type": limit.name, "hard": limit.hard, "soft": limit.soft}))?;
        match limits.iter_mut().find(|old| old.typ() == new.typ()) {
            Some(old) => *old = new,
            None => limits.push(new),
        }
    }
    draft.process.set_rlimits((!limits.is_empty()).then_some(limits));
    if process.oom_score_adj.is_some() {
        draft.process.set_oom_score_adj(process.oom_score_adj);
        draft.set_by("/process/oomScoreAdj", || Origin::option("process.oom_score_adj"));
    }
    draft.explain("/process/rlimits", || {
        |change: &Change<'_>| {
            change.index_in("/process/rlimits")?;
            let name = change.value.get("type")?;
            let index = process.rlimits.iter().position(|limit| *name == limit.name)?;
            Some(Said::Set(Origin::option(format_args!("process.rlimits[{index}]"))))
        }
    });
    Ok(())
}
