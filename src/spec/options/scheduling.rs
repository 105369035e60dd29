//! How the kernel treats the process beside others.

use crate::spec::draft::{Draft, to_json};
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Sets scheduler, input and output priority, processors of an exec, execution domain and memory policy,
/// each as a whole in the place of the profile's.
pub(crate) fn scheduling(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let process = &inputs.options.process;
    let mut patch = Map::new();
    put(&mut patch, "scheduler", process.scheduler.as_ref())?;
    put(&mut patch, "ioPriority", process.io_priority.as_ref())?;
    put(&mut patch, "execCPUAffinity", process.cpu_affinity.as_ref())?;
    replace(&mut patch, |gone| draft.merge_process(gone))?;

    let mut patch = Map::new();
    let personality = process.personality.map(|domain| json!({ "domain": domain }));
    put(&mut patch, "personality", personality.as_ref())?;
    put(&mut patch, "memoryPolicy", process.memory_policy.as_ref())?;
    replace(&mut patch, |part| draft.merge_linux(part))
}

fn put(
    patch: &mut Map<String, Value>,
    field: &str,
    value: Option<&impl Serialize>,
) -> Result<(), SpecError> {
    if let Some(value) = value {
        patch.insert(field.to_owned(), to_json(value)?);
    }
    Ok(())
}

/// Merges so that nothing of an old value stays inside a new one.
fn replace(
    patch: &mut Map<String, Value>,
    mut merge: impl FnMut(Value) -> Result<(), SpecError>,
) -> Result<(), SpecError> {
    if patch.is_empty() {
        return Ok(());
    }
    let gone = patch.keys().map(|field| (field.clone(), Value::Null)).collect();
    merge(Value::Object(gone))?;
    merge(Value::Object(std::mem::take(patch)))
}
