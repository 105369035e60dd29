//! The filter of system calls.

use crate::domain::origin::Origin;
use crate::domain::request::SeccompOption;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use crate::spec::seccomp::{
    SeccompError, SeccompFacts, docker_policy, oci_object, runtime_default,
};
use oci_spec::runtime::Capability;
use serde_json::Value;

const FIELD: &str = "options.security.seccomp";

/// Sets the filter, or takes it away. It comes after the capabilities, since a default policy allows what
/// they allow.
///
/// containerd: `seccomp.WithDefaultProfile`, `seccomp.WithProfile`, `oci.WithSeccompUnconfined`.
pub(crate) fn seccomp(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let facts = SeccompFacts {
        architecture: inputs.platform.architecture.clone(),
        kernel: inputs.host.kernel,
    };
    let bounding: Vec<Capability> = draft.capabilities.list("bounding").to_vec();
    let asked = inputs.options.security.seccomp.as_ref();
    let default = SeccompOption::RuntimeDefault(None);
    let privileged = inputs.options.security.privileged.is_some();
    let applied = inputs.seccomp.applied && !privileged;
    let filter = match asked.or(applied.then_some(&default)) {
        None => return Ok(()),
        Some(SeccompOption::Unconfined) => None,
        Some(SeccompOption::RuntimeDefault(name)) => {
            let name = name.as_deref().unwrap_or(&inputs.seccomp.policy);
            Some(
                runtime_default(name, &facts, &bounding)
                    .map_err(wrong("runtime_default.policy"))?,
            )
        }
        Some(SeccompOption::Docker(text)) => {
            let json = parse("docker_policy", text)?;
            Some(docker_policy(&json, &facts, &bounding).map_err(wrong("docker_policy"))?)
        }
        Some(SeccompOption::Oci(text)) => {
            Some(oci_object(&parse("oci", text)?).map_err(wrong("oci"))?)
        }
    };
    draft.linux.set_seccomp(filter);
    draft.set_by("/linux/seccomp", || match asked {
        None => Origin::rule("seccomp", format!("the profile's policy {}", inputs.seccomp.policy)),
        Some(SeccompOption::Unconfined) => Origin::option("security.seccomp.unconfined"),
        Some(SeccompOption::RuntimeDefault(_)) => {
            Origin::option("security.seccomp.runtime_default")
        }
        Some(SeccompOption::Docker(_)) => Origin::option("security.seccomp.docker_policy"),
        Some(SeccompOption::Oci(_)) => Origin::option("security.seccomp.oci"),
    });
    Ok(())
}

fn wrong(name: &str) -> impl Fn(SeccompError) -> SpecError {
    let field = format!("{FIELD}.{name}");
    move |error| SpecError::Request(error.within(&field))
}

fn parse(name: &str, text: &str) -> Result<Value, SpecError> {
    serde_json::from_str(text).map_err(|error| {
        SpecError::field(&format!("{FIELD}.{name}"), format!("is no JSON: {error}"))
    })
}
