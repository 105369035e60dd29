//! Seccomp: policies as data, resolved for an architecture, a kernel and a set of capabilities that the
//! caller states.
//!
//! containerd's client takes all three from the machine and the binary that it is; here a filter can be
//! made for any other host. What is put where in a spec, and when, is not decided here.
//!
//! Invariant: the order of rules, names and architectures is Go's, so that a spec's bytes are as well.

mod errno;
mod fields;
mod policy;
mod read;
mod resolve;
#[cfg(test)]
mod tests;

use crate::domain::violation::{Violation, Violations};
use crate::oci::{EncodedOnce, Seccomp};
use policy::Policy;
use read::{Format, read};
use serde_json::Value;
use std::sync::{LazyLock, Mutex, PoisonError};

/// The default policies by their names, the oldest first. Two releases of containerd have the same one, and `docker` is the
/// newest of Docker's.
const DEFAULTS: [(&str, &str); 10] = [
    ("containerd-1.6", include_str!("policies/containerd-1.6.json")),
    ("containerd-1.7", include_str!("policies/containerd-1.7.json")),
    ("containerd-2.0", include_str!("policies/containerd-2.0.json")),
    ("containerd-2.1", include_str!("policies/containerd-2.1.json")),
    ("containerd-2.2", include_str!("policies/containerd-2.2.json")),
    ("containerd-2.3", include_str!("policies/containerd-2.3.json")),
    ("containerd-2.4", include_str!("policies/containerd-2.3.json")),
    ("docker-28", include_str!("policies/docker-28.json")),
    ("docker-29", include_str!("policies/docker-29.json")),
    ("docker", include_str!("policies/docker-29.json")),
];

/// The default policies, read once.
static POLICIES: LazyLock<Vec<(&str, Result<Policy, Violations>)>> = LazyLock::new(|| {
    let policy = |text| match serde_json::from_str(text) {
        Ok(json) => read(&json, Format::BuiltIn),
        Err(error) => Err(Violation::new("", error).into()),
    };
    DEFAULTS.iter().map(|(name, text)| (*name, policy(text))).collect()
});

/// How many resolved policies are kept.
const MOST_RESOLVED: usize = 64;

/// A default policy that was resolved, and what it was resolved for.
struct Resolved {
    name: &'static str,
    facts: SeccompFacts,
    bounding: Vec<String>,
    filter: EncodedOnce<Seccomp>,
}

/// The default policies that were resolved before, since most containers have the same one.
static RESOLVED: Mutex<Vec<Resolved>> = Mutex::new(Vec::new());

/// The host that a filter is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeccompFacts {
    /// The architecture, by Go's name for it. For one that a policy does not know, the filter names none
    /// and covers the kernel's own, as with containerd and Docker.
    pub architecture: String,
    /// The first two numbers of the kernel's version.
    pub kernel: (u32, u32),
}

/// Why there is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeccompError {
    /// No default policy has that name.
    #[error("no default seccomp policy is named {name}, known are {}", default_names().collect::<Vec<_>>().join(", "))]
    UnknownDefault {
        /// The name.
        name: String,
    },
    /// What was given is no policy; the fields are paths inside it, and empty for the whole.
    #[error(transparent)]
    Policy(#[from] Violations),
}

impl SeccompError {
    /// The same as violations of the field in which the policy or its name stood.
    #[must_use]
    pub fn within(self, field: &str) -> Violations {
        let mut all = Violations::default();
        match self {
            Self::Policy(violations) => {
                for Violation { field: inner, description, .. } in violations.iter() {
                    let dot = if inner.is_empty() { "" } else { "." };
                    all.push(format!("{field}{dot}{inner}"), description);
                }
            }
            Self::UnknownDefault { .. } => all.push(field, self),
        }
        all
    }
}

/// The names of the default policies, the oldest release first.
pub fn default_names() -> impl Iterator<Item = &'static str> {
    DEFAULTS.iter().map(|(name, _)| *name)
}

/// A default policy for one host and one container.
///
/// The capabilities are the bounding set, in order: containerd's rules for them come in that order.
///
/// containerd: `contrib/seccomp.DefaultProfile`, in the patch release that the profile of the same name
/// equals. Docker: `github.com/moby/profiles/seccomp.GetDefaultProfile`, in the version that the release has:
/// v0.1.0 in 28.5.2, v0.2.3 in 29.8.1.
///
/// # Errors
///
/// [`SeccompError::UnknownDefault`] where no policy has the name.
pub fn runtime_default(
    name: &str,
    facts: &SeccompFacts,
    bounding: &[String],
) -> Result<EncodedOnce<Seccomp>, SeccompError> {
    let Some((name, policy)) = POLICIES.iter().find(|(known, _)| *known == name) else {
        return Err(SeccompError::UnknownDefault { name: name.to_owned() });
    };
    let lock = || RESOLVED.lock().unwrap_or_else(PoisonError::into_inner);
    let is_it =
        |one: &&Resolved| one.name == *name && one.facts == *facts && one.bounding == bounding;
    if let Some(found) = lock().iter().find(is_it) {
        return Ok(found.filter.clone());
    }
    let policy = policy.as_ref().map_err(Clone::clone)?;
    let filter = EncodedOnce::new(resolve::resolve(policy, facts, bounding));
    let mut resolved = lock();
    if resolved.len() >= MOST_RESOLVED {
        resolved.clear();
    }
    let (facts, bounding) = (facts.clone(), bounding.to_vec());
    resolved.push(Resolved { name, facts, bounding, filter: filter.clone() });
    Ok(filter)
}

/// A policy in Docker's format for one host and one container.
///
/// Docker: `profiles/seccomp.LoadProfile`. Docker skips fields and capabilities that it does not know, and
/// takes a policy without an action and rules for none at all; both are refused here.
///
/// # Errors
///
/// [`SeccompError::Policy`] with everything that is wrong.
pub fn docker_policy(
    json: &Value,
    facts: &SeccompFacts,
    bounding: &[String],
) -> Result<Seccomp, SeccompError> {
    Ok(resolve::resolve(&read(json, Format::Docker)?, facts, bounding))
}

/// A filter as the runtime specification has it, taken as it is and checked.
///
/// containerd: `contrib/seccomp.WithProfile`, which checks nothing. Lists that are empty and numbers that
/// mean the same when absent are left out, as Go does; but an empty list of flags, which means that none
/// are set and not the runtime's own, stays.
///
/// # Errors
///
/// [`SeccompError::Policy`] with everything that is wrong.
pub fn oci_object(json: &Value) -> Result<Seccomp, SeccompError> {
    let nowhere = SeccompFacts { architecture: String::new(), kernel: (0, 0) };
    Ok(resolve::resolve(&read(json, Format::Oci)?, &nowhere, &[]))
}
