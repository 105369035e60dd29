//! Limits of the process.

use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError, set_given};
use std::collections::HashMap;

/// Sets resource limits, which replace those of the same type, and the OOM score adjustment.
///
/// containerd: `oci.WithRlimit`.
pub(super) fn limits(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let process = &inputs.options.process;
    let score = process.oom_score_adj.map(|score| Some(score.into()));
    set_given!(assembly, "/process/oomScoreAdj", "process.oom_score_adj", score => process().oom_score_adj);
    if process.rlimits.is_empty() {
        return Ok(());
    }
    let limits = &mut assembly.process().rlimits;
    let mut places: HashMap<String, usize> =
        limits.iter().enumerate().rev().map(|(at, limit)| (limit.kind.clone(), at)).collect();
    for limit in &process.rlimits {
        match places.get(&limit.kind) {
            Some(at) => limits[*at] = limit.clone(),
            None => {
                places.insert(limit.kind.clone(), limits.len());
                limits.push(limit.clone());
            }
        }
    }
    assembly.attribute("/process/rlimits", || {
        |change: &Change<'_>| {
            change.index_in("/process/rlimits")?;
            let name = change.value.get("type")?;
            let index = process.rlimits.iter().rposition(|limit| *name == limit.kind)?;
            Some(Attribution::Set(Origin::message(format_args!("process.rlimits[{index}]"), 3)))
        }
    });
    Ok(())
}
