//! Programs that the runtime runs.

use crate::spec::draft::{Draft, to_json};
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use serde_json::{Map, Value};

/// Adds hooks, each list after the profile's.
pub(crate) fn hooks(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    if inputs.options.hooks.is_empty() {
        return Ok(());
    }
    let old = to_json(draft.hooks())?;
    let mut lists = Map::new();
    for (moment, added) in &inputs.options.hooks {
        let Value::String(name) = to_json(moment)? else {
            continue;
        };
        let mut list = old.get(&name).and_then(Value::as_array).cloned().unwrap_or_default();
        for hook in added {
            list.push(to_json(hook)?);
        }
        lists.insert(name, list.into());
    }
    draft.merge_rest(serde_json::json!({ "hooks": lists }))
}
