//! The system call filter.

use super::{Assembly, Inputs, Origin, SpecError};
use crate::domain::request::SeccompOption;
use crate::oci::EncodedOnce;
use crate::spec::seccomp::{
    SeccompError, SeccompFacts, docker_policy, oci_object, runtime_default,
};
use serde_json::Value;

const FIELD: &str = "options.security.seccomp";

/// Sets the filter, or removes it. This comes after the capabilities, since a default policy allows what they
/// allow.
///
/// containerd: `seccomp.WithDefaultProfile`, `seccomp.WithProfile`, `oci.WithSeccompUnconfined`.
pub(super) fn seccomp(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let asked = inputs.options.security.seccomp.as_ref();
    let default = SeccompOption::RuntimeDefault(None);
    let privileged = inputs.options.security.privileged.is_some();
    let applied = inputs.seccomp.applied && !privileged;
    let Some(wanted) = asked.or(applied.then_some(&default)) else { return Ok(()) };
    let facts = SeccompFacts {
        architecture: inputs.platform.architecture.clone(),
        kernel: inputs.host.kernel,
    };
    let process = assembly.spec.process.as_ref();
    let bounding = process.and_then(|process| process.capabilities.as_ref());
    let bounding = bounding.map_or(&[][..], |sets| &sets.bounding);
    let filter = match wanted {
        SeccompOption::Unconfined => None,
        SeccompOption::RuntimeDefault(name) => {
            let name = name.as_deref().unwrap_or(&inputs.seccomp.policy);
            let filter = runtime_default(name, &facts, bounding);
            Some(filter.map_err(refused("runtime_default.policy"))?)
        }
        SeccompOption::Docker(text) => {
            let filter = docker_policy(&parse("docker_policy", text)?, &facts, bounding);
            Some(EncodedOnce::new(filter.map_err(refused("docker_policy"))?))
        }
        SeccompOption::Oci(text) => {
            Some(EncodedOnce::new(oci_object(&parse("oci", text)?).map_err(refused("oci"))?))
        }
    };
    assembly.linux().seccomp = filter;
    assembly.attribute_value("/linux/seccomp", || match asked {
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

fn refused(name: &str) -> impl Fn(SeccompError) -> SpecError {
    let field = format!("{FIELD}.{name}");
    move |error| SpecError::Request(error.within(&field))
}

fn parse(name: &str, text: &str) -> Result<Value, SpecError> {
    serde_json::from_str(text).map_err(|error| {
        SpecError::field(&format!("{FIELD}.{name}"), format!("invalid JSON: {error}"))
    })
}
