//! The limits of a container by themselves: `LinuxResources`, merged, and encoded as in a spec.

use crate::domain::request::Options;
use crate::domain::resources::Resources;
use crate::spec::draft::{from_json, to_json};
use crate::spec::encode::{Encoded, encode};
use crate::spec::error::SpecError;
use crate::spec::exec::alone;
use crate::spec::kept::Kept;
use crate::spec::merge_patch;
use crate::spec::validate::check_part;
use oci_spec::runtime::LinuxResources;
use serde_json::{Value, json};

/// Merges limits over those that are there, each by itself; nothing asked for leaves them as they are.
pub(crate) fn merged(
    own: Option<&LinuxResources>,
    asked: &Resources,
) -> Result<Option<LinuxResources>, SpecError> {
    let patch = to_json(asked)?;
    if patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(own.cloned());
    }
    let mut resources = own.map_or(Ok(json!({})), to_json)?;
    merge_patch::apply(&mut resources, patch);
    from_json(resources).map(Some)
}

/// The limits of a running container, as its task is updated with them.
///
/// # Errors
///
/// [`SpecError::Request`] where nothing is to be limited: an update with nothing in it would be a mistake
/// that nobody hears of.
pub fn encode_resources(asked: &Resources) -> Result<Encoded, SpecError> {
    let resources = merged(None, asked)?;
    if says_nothing(&to_json(&resources)?) {
        return Err(SpecError::field("options.resources", "must limit something"));
    }
    let broken = |reason| SpecError::Profile { name: "a spec of limits alone".to_owned(), reason };
    let process = json!({"user": {"uid": 0, "gid": 0}, "cwd": ""});
    let mut draft = alone(&process).map_err(broken)?;
    draft.linux.set_resources(resources);
    let options = Options { resources: asked.clone(), ..Options::default() };
    let check = |spec: &Value| {
        check_part(spec, &["linux", "resources"], &options)?;
        Ok(Vec::new())
    };
    let spec = encode(draft, None, check)?.json;
    let spec = Kept::read(&spec).map_err(|error| broken(error.to_string()))?;
    let linux = spec.object("linux").unwrap_or_default();
    let limits = linux.get("resources").ok_or_else(|| broken("no resources".to_owned()))?;
    Ok(Encoded { json: limits.as_bytes().to_vec(), warnings: Vec::new() })
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.values().all(says_nothing),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::resources::{Cpu, Memory, Pids};

    fn text(asked: &Resources) -> Result<String, SpecError> {
        encode_resources(asked).map(|encoded| String::from_utf8(encoded.json).unwrap())
    }

    #[test]
    fn limits_stand_in_the_order_of_the_go_type() {
        let asked = Resources {
            pids: Some(Pids { limit: 7 }),
            cpu: Some(Cpu { cpus: Some("0-1".to_owned()), shares: Some(2), ..Cpu::default() }),
            memory: Some(Memory { swap: Some(-1), limit: Some(64), ..Memory::default() }),
            unified: [("memory.low", "1"), ("cpu.idle", "0")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..Resources::default()
        };
        assert_eq!(
            text(&asked).unwrap(),
            r#"{"memory":{"limit":64,"swap":-1},"cpu":{"shares":2,"cpus":"0-1"},"pids":{"limit":7},"unified":{"cpu.idle":"0","memory.low":"1"}}"#
        );
    }

    #[test]
    fn a_zero_is_a_limit_and_an_empty_section_is_none() {
        let zero = Memory { swappiness: Some(0), ..Memory::default() };
        let asked = Resources { memory: Some(zero), ..Resources::default() };
        assert_eq!(text(&asked).unwrap(), r#"{"memory":{"swappiness":0}}"#);
        let empty = Resources { cpu: Some(Cpu::default()), ..Resources::default() };
        for asked in [empty, Resources::default()] {
            let Err(SpecError::Request(wrong)) = text(&asked) else { panic!("{asked:?}") };
            assert_eq!(wrong.to_string(), "options.resources: must limit something");
        }
    }
}
