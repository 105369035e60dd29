//! The user and the groups, in numbers.

use super::Found;
use super::node::Node;

/// What the kernel takes for no id at all.
const NO_ID: i128 = u32::MAX as i128;

/// How many groups a process can have beside its own.
const GROUPS: usize = 65_536;

fn ids(spec: Node<'_>) -> impl Iterator<Item = (Node<'_>, &'static str)> {
    let user = spec.get("process").get("user");
    let groups = user.get("additionalGids").items().map(|group| (group, "gidMappings"));
    [(user.get("uid"), "uidMappings"), (user.get("gid"), "gidMappings")].into_iter().chain(groups)
}

/// No id is the one that stands for none.
pub(super) fn numbers(spec: Node<'_>, found: &mut Found) {
    for (id, _) in ids(spec).filter(|(id, _)| id.number() == Some(NO_ID)) {
        found.add(id, format_args!("{NO_ID} is what the kernel takes for no id"));
    }
}

/// There are no more groups than a process can have.
pub(super) fn groups(spec: Node<'_>, found: &mut Found) {
    let groups = spec.get("process").get("user").get("additionalGids");
    if groups.items().count() > GROUPS {
        found.add(groups, format_args!("must be at most {GROUPS} groups"));
    }
}

/// Every id has a place in the container's own user namespace.
pub(super) fn mapped(spec: Node<'_>, found: &mut Found) {
    if !super::namespaces::is_own(spec, "user") {
        return;
    }
    for (id, list) in ids(spec) {
        let mappings = spec.get("linux").get(list);
        let number = id.number().unwrap_or_default();
        if mappings.is_filled() && !super::user_namespace::maps(mappings, number) {
            let name = if list == "uidMappings" { "uid" } else { "gid" };
            found.against(
                id,
                mappings,
                format_args!("{name} {number} is not among the mapped ids"),
            );
        }
    }
}
