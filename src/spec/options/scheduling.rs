//! How the kernel treats the process beside others.

use crate::domain::origin::{Origin, snake_case};
use crate::spec::draft::{Draft, to_json};
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
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
    let set = fields(draft, &patch);
    replace(&mut patch, |part| draft.merge_process(part))?;
    explain(draft, "/process", set);

    let mut patch = Map::new();
    let personality = process.personality.map(|domain| json!({ "domain": domain }));
    put(&mut patch, "personality", personality.as_ref())?;
    put(&mut patch, "memoryPolicy", process.memory_policy.as_ref())?;
    let set = fields(draft, &patch);
    replace(&mut patch, |part| draft.merge_linux(part))?;
    explain(draft, "/linux", set);
    Ok(())
}

/// The fields that are about to be set, for who wants to know.
fn fields(draft: &Draft, patch: &Map<String, Value>) -> Vec<String> {
    if draft.is_explained() { patch.keys().cloned().collect() } else { Vec::new() }
}

fn explain(draft: &mut Draft, section: &'static str, fields: Vec<String>) {
    draft.explain(section, || {
        move |change: &Change<'_>| {
            let field = change.key_in(section).filter(|field| fields.contains(field))?;
            let name = match field.as_str() {
                "execCPUAffinity" => "cpu_affinity".to_owned(),
                field => snake_case(field),
            };
            Some(Said::Set(Origin::option(format_args!("process.{name}"))))
        }
    });
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
