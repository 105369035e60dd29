//! A container of a runtime that an ordinary user runs.

use super::namespaces::set;
use super::{Assembly, Inputs, Origin, SpecError};
use crate::domain::sandbox::{NamespaceKind, NamespaceTarget};
use crate::oci::{IdMapping, Linux};

/// Removes the profile's control group and limits. Where the user is known, maps it to root in a user namespace, makes a
/// joined network namespace of the profile a private one, and removes groups. The options of the request that are about
/// namespaces, control groups and limits come later, and mounts are rewritten after them.
///
/// runc: `specconv.ToRootless`. nerdctl does the same without a user namespace, in that of `RootlessKit`.
pub(super) fn rootless(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let Some(rootless) = inputs.options.rootless else { return Ok(()) };
    let linux = assembly.linux();
    linux.cgroups_path.clear();
    linux.resources = None;
    let mut warnings = Vec::new();
    if let Some((uid, gid)) = rootless.user {
        set(&mut linux.namespaces, NamespaceKind::User, &NamespaceTarget::Private);
        for (mappings, id) in [(&mut linux.uid_mappings, uid), (&mut linux.gid_mappings, gid)] {
            mappings.push(IdMapping { host_id: id, size: 1, ..IdMapping::default() });
        }
        warnings.extend(make_network_private(linux));
        let user = &mut assembly.process().user;
        let groups = std::mem::take(&mut user.additional_gids);
        if groups.iter().any(|group| *group != user.gid) {
            let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
            let groups = groups.join(", ");
            warnings
                .push(format!("an ordinary user cannot set groups, so the process lacks {groups}"));
        }
    }
    assembly.warnings.append(&mut warnings);
    assembly.attribute_changes(|| Origin::option("rootless"));
    Ok(())
}

/// Makes a joined network namespace a private one; says so where it was joined.
fn make_network_private(linux: &mut Linux) -> Option<String> {
    let is_it = |kind: &str| kind == NamespaceKind::Network.name();
    let network = linux.namespaces.iter_mut().find(|namespace| is_it(&namespace.kind))?;
    let path = std::mem::take(&mut network.path);
    (!path.is_empty()).then(|| {
        format!("an ordinary user cannot join {path}, so that namespace is not joined unless it is asked for")
    })
}
