//! The sysctls of the container's namespaces.

use super::namespaces::{has, is_private};
use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError};
use crate::domain::sandbox::NamespaceKind;
use crate::domain::sysctl::{SysctlScope, dotted, scope};

/// Removes the profile's sysctls that the namespaces do not have, and sets the requested ones.
///
/// Docker: `daemon.withCommonOptions`, which sets its own where the network namespace is a new one.
pub(super) fn sysctl(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let keys = assembly.spec.linux.iter().flat_map(|linux| linux.sysctl.keys());
    let maps_few = inputs.options.rootless.is_some() || has(assembly, NamespaceKind::User);
    let why = |key: &String| Some((key.clone(), misplaced(assembly, maps_few, key)?));
    let misplaced: Vec<(String, String)> = keys.filter_map(why).collect();
    if !misplaced.is_empty() {
        for (key, why) in misplaced {
            let text = format!("the profile's kernel parameter {key} is left out: it {why}");
            assembly.warnings.push(text);
            assembly.linux().sysctl.remove(&key);
        }
        assembly.attribute_changes(|| Origin::rule("sysctl", "the namespaces do not have it"));
    }
    let added = &inputs.options.security.sysctl;
    if !added.is_empty() {
        assembly.linux().sysctl.extend(added.clone());
        assembly.attribute("/linux/sysctl", || {
            |change: &Change<'_>| {
                let key = change.key_in("/linux/sysctl").filter(|key| added.contains_key(key))?;
                Some(Attribution::Set(Origin::option(format_args!("security.sysctl[{key:?}]"))))
            }
        });
    }
    Ok(())
}

/// Why these namespaces, with few ids or with all, do not have a sysctl of the profile.
fn misplaced(assembly: &Assembly, maps_few: bool, key: &str) -> Option<String> {
    // The value is a range of groups, most of which a user namespace does not map.
    if dotted(key) == "net.ipv4.ping_group_range" && maps_few {
        return Some("names groups that a user namespace does not map".to_owned());
    }
    match scope(key) {
        SysctlScope::Namespace(kind) if is_private(assembly, kind) => None,
        SysctlScope::Namespace(kind) => Some(format!("needs a private {} namespace", kind.name())),
        SysctlScope::Host | SysctlScope::Field(_) => {
            Some("is not a parameter of a namespace, it would change the host".to_owned())
        }
    }
}
