//! The limits of a running container: `LinuxResources`, encoded as in a spec.

use crate::domain::host_facts::HostFacts;
use crate::domain::origin::Origin;
use crate::domain::request::Options;
use crate::oci::{self, Linux, Resources};
use crate::spec::assemble::Attempt;
use crate::spec::assembly::Assembly;
use crate::spec::encode::Encoded;
use crate::spec::error::SpecError;
use crate::spec::provenance::Provenance;
use crate::spec::rules::Broken;
use crate::spec::steps::resources::attribute_resources;
use crate::spec::{blame, rules};

/// Encodes the limits that a task is updated with.
///
/// # Errors
///
/// [`SpecError::Request`] where nothing is limited, since an update with nothing in it is a mistake that nobody
/// would notice, and where a limit breaks a rule.
pub fn encode_resources(resources: &Resources) -> Result<Encoded, SpecError> {
    match attempt_resources(resources)? {
        Attempt::Finished(encoded) => Ok(encoded),
        Attempt::Broken(broken) => broken.judge(resources),
    }
}

/// Encodes the limits, as far as that is cheap: who broke a rule is found out later.
///
/// # Errors
///
/// As of [`encode_resources`], except what breaks a rule.
pub fn attempt_resources(
    resources: &Resources,
) -> Result<Attempt<Encoded, BrokenResources>, SpecError> {
    let encoded = Encoded { json: oci::json::to_vec(resources)?, warnings: Vec::new() };
    if is_empty(&serde_json::to_value(resources)?) {
        return Err(SpecError::field("options.resources", "must limit something"));
    }
    let linux = Linux { resources: Some(resources.clone().into()), ..Linux::default() };
    let spec = oci::Spec { linux: Some(linux), ..oci::Spec::default() };
    let broken = rules::find_broken(&spec, &HostFacts::default());
    let broken = blame::refused_in_part(broken, &["linux", "resources"]);
    if !broken.is_empty() {
        return Ok(Attempt::Broken(Box::new(BrokenResources { spec, broken, encoded })));
    }
    Ok(Attempt::Finished(encoded))
}

/// Limits that break rules.
#[derive(Debug)]
pub struct BrokenResources {
    spec: oci::Spec,
    broken: Vec<Broken>,
    encoded: Encoded,
}

impl BrokenResources {
    /// Refuses the limits that the request has set.
    ///
    /// # Errors
    ///
    /// Every refusal at once.
    pub fn judge(self, resources: &Resources) -> Result<Encoded, SpecError> {
        let provenance = Provenance::of_stored(&oci::Spec::default())?;
        let mut assembly = Assembly::new(self.spec, Some(provenance));
        assembly.attribute_changes(|| Origin::option("resources"));
        attribute_resources(resources, &mut assembly)?;
        blame::judge_request(self.broken, &assembly, &Options::default())?;
        Ok(self.encoded)
    }
}

fn is_empty(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => true,
        serde_json::Value::Array(list) => list.is_empty(),
        serde_json::Value::Object(object) => object.values().all(is_empty),
        serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Cpu, Memory, Pids};

    fn text(resources: &Resources) -> Result<String, SpecError> {
        encode_resources(resources).map(|encoded| String::from_utf8(encoded.json).unwrap())
    }

    #[test]
    fn limits_stand_in_the_order_of_the_go_type() {
        let resources = Resources {
            pids: Some(Pids { limit: Some(7), ..Pids::default() }),
            cpu: Some(Cpu { cpus: "0-1".to_owned(), shares: Some(2), ..Cpu::default() }),
            memory: Some(Memory { swap: Some(-1), limit: Some(64), ..Memory::default() }),
            unified: [("memory.low", "1"), ("cpu.idle", "0")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ..Resources::default()
        };
        assert_eq!(
            text(&resources).unwrap(),
            r#"{"memory":{"limit":64,"swap":-1},"cpu":{"shares":2,"cpus":"0-1"},"pids":{"limit":7},"unified":{"cpu.idle":"0","memory.low":"1"}}"#
        );
    }

    #[test]
    fn a_zero_is_a_limit_and_an_empty_section_is_not() {
        let zero = Memory { swappiness: Some(0), ..Memory::default() };
        let resources = Resources { memory: Some(zero), ..Resources::default() };
        assert_eq!(text(&resources).unwrap(), r#"{"memory":{"swappiness":0}}"#);
        let empty = Resources { cpu: Some(Cpu::default()), ..Resources::default() };
        for resources in [empty, Resources::default()] {
            let Err(SpecError::Request(wrong)) = text(&resources) else { panic!("{resources:?}") };
            assert_eq!(wrong.to_string(), "options.resources: must limit something");
        }
    }

    #[test]
    fn limits_that_break_no_rule_cost_no_judgement() {
        for (limit, is_judged) in [(64 << 20, false), (-2, true)] {
            let memory = Memory { limit: Some(limit), ..Memory::default() };
            let resources = Resources { memory: Some(memory), ..Resources::default() };
            let attempt = attempt_resources(&resources).unwrap();
            assert_eq!(matches!(attempt, Attempt::Broken(_)), is_judged, "{limit}");
        }
    }

    #[test]
    fn a_broken_rule_names_the_limit() {
        let memory = Memory { limit: Some(-2), ..Memory::default() };
        let resources = Resources { memory: Some(memory), ..Resources::default() };
        let Err(SpecError::Request(wrong)) = text(&resources) else { panic!() };
        let fields: Vec<&str> = wrong.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["options.resources.memory.limit"]);
    }
}
