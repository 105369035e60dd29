//! The kernel parameters of the container's namespaces.

use crate::domain::origin::Origin;
use crate::domain::sandbox::NamespaceKind;
use crate::domain::sysctl::{Of, dotted, of};
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
use crate::spec::opt::Inputs;
use crate::spec::options::namespaces::{has, is_private};
use std::collections::HashMap;

/// Takes out those of the profile that the namespaces leave no place for, and sets those that are asked for.
///
/// Docker: `daemon.withCommonOptions`, which sets its own where the network namespace is a new one.
pub(crate) fn sysctl(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let mut all: HashMap<String, String> = draft.linux.sysctl().clone().unwrap_or_default();
    let mut out: Vec<(String, String)> =
        all.keys().filter_map(|key| Some((key.clone(), misplaced(draft, key)?))).collect();
    out.sort();
    for (key, why) in out {
        draft.warnings.push(format!("the profile's kernel parameter {key} is left out: it {why}"));
        all.remove(&key);
    }
    draft.linux.set_sysctl((!all.is_empty()).then(|| all.clone()));
    draft.by(|| Origin::rule("sysctl", "the namespaces have no place for it"));
    let asked = &inputs.options.security.sysctl;
    if !asked.is_empty() {
        all.extend(asked.clone());
        draft.linux.set_sysctl(Some(all));
        draft.explain("/linux/sysctl", || {
            |change: &Change<'_>| {
                let key = change.key_in("/linux/sysctl").filter(|key| asked.contains_key(key))?;
                Some(Said::Set(Origin::option(format_args!("security.sysctl[{key:?}]"))))
            }
        });
    }
    Ok(())
}

/// Why a parameter of a profile has no place in these namespaces.
fn misplaced(draft: &Draft, key: &str) -> Option<String> {
    // The parameter is a range of groups, of which a user namespace maps but some.
    if dotted(key) == "net.ipv4.ping_group_range" && has(draft, NamespaceKind::User) {
        return Some("names groups that a user namespace does not map".to_owned());
    }
    match of(key) {
        Of::Namespace(kind) if is_private(draft, kind) => None,
        Of::Namespace(kind) => Some(format!("needs a private {} namespace", kind.name())),
        Of::Host | Of::Field(_) => {
            Some("is not a parameter of a namespace, it would change the host".to_owned())
        }
    }
}
