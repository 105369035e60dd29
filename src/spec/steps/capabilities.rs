//! Capabilities.

use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError};
use crate::domain::capability::KNOWN;
use crate::domain::host_facts::HostFacts;
use crate::domain::violation::Violations;
use crate::oci::Capabilities;
use std::collections::{HashMap, HashSet};

/// The sets that every change apart from `ambient` is made in.
const THREE: [&str; 3] = ["bounding", "effective", "permitted"];

/// Replaces, adds, drops, and sets the ambient set, in this order.
///
/// containerd: `oci.WithCapabilities`, `oci.WithAddedCapabilities`, `oci.WithDroppedCapabilities`,
/// `oci.WithAmbientCapabilities`. Unlike there, a capability that is dropped, or not in the set, does not stay
/// ambient, and an unknown name is refused.
pub(super) fn capabilities(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.capabilities;
    let all = known(inputs.host);
    let mut wrong = Violations::default();
    if let Some(names) = &options.set {
        let set = parse(all, "set.values", names, &mut wrong);
        let sets = assembly.capabilities();
        // Only an exec starts with inheritable or ambient capabilities, those of the container.
        for list in [&mut sets.inheritable, &mut sets.ambient] {
            list.retain(|one| set.contains(&one.as_str()));
        }
        for list in three(sets) {
            *list = owned(&set);
        }
        attribute(assembly, &THREE, "set.values", names);
    }
    if !options.add.is_empty() {
        let add = parse(all, "add", &options.add, &mut wrong);
        for list in three(assembly.capabilities()) {
            for one in &add {
                if !list.iter().any(|other| other == one) {
                    list.push((*one).to_owned());
                }
            }
        }
        attribute(assembly, &THREE, "add", &options.add);
    }
    if !options.drop.is_empty() {
        let drop = parse(&KNOWN, "drop", &options.drop, &mut wrong);
        if let Some(sets) = &mut assembly.process().capabilities {
            for list in sets.sets_mut() {
                list.retain(|one| !drop.contains(&one.as_str()));
            }
        }
        attribute(assembly, &Capabilities::NAMES, "drop", &options.drop);
    }
    let ambient = parse(all, "ambient", &options.ambient, &mut wrong);
    if !ambient.is_empty() {
        let sets = assembly.capabilities();
        sets.inheritable = owned(&ambient);
        sets.ambient = owned(&ambient);
        attribute(assembly, &["inheritable", "ambient"], "ambient", &options.ambient);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

fn three(sets: &mut Capabilities) -> [&mut Vec<String>; 3] {
    [&mut sets.bounding, &mut sets.effective, &mut sets.permitted]
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Attributes each capability that was added or removed to the name in an option that asked for it.
fn attribute(assembly: &mut Assembly, lists: &[&str], field: &str, names: &[String]) {
    assembly.attribute("/process/capabilities", || {
        let mut first: HashMap<&str, usize> = HashMap::new();
        for (index, _, meant) in meant_each(&KNOWN, names) {
            for one in meant {
                first.entry(one).or_insert(index);
            }
        }
        move |change: &Change<'_>| {
            let lists = lists.iter().map(|list| format!("/process/capabilities/{list}"));
            let inside = lists.into_iter().any(|list| change.key_in(&list).is_some());
            let name = change.value.as_str().filter(|_| inside);
            let index = name.and_then(|name| first.get(name));
            let wanted = change.gone == (field == "drop");
            Some(match index.filter(|_| wanted) {
                Some(index) => {
                    Attribution::Set(Origin::option(format_args!("capabilities.{field}[{index}]")))
                }
                None => Attribution::Changed(Origin::option(format_args!("capabilities.{field}"))),
            })
        }
    });
}

/// Every capability that the host's kernel has, where that is stated.
fn known(host: &HostFacts) -> &'static [&'static str] {
    let last = host.last_capability.map_or(KNOWN.len(), |last| usize::from(last) + 1);
    KNOWN.get(..last).unwrap_or(&KNOWN)
}

/// The capabilities of a list of names, with or without `CAP_`; `ALL` is those of `all` that are not listed yet.
fn parse(
    all: &'static [&'static str],
    field: &str,
    names: &[String],
    wrong: &mut Violations,
) -> Vec<&'static str> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for (index, name, meant) in meant_each(all, names) {
        match meant {
            [] => {
                let field = format!("options.capabilities.{field}[{index}]");
                wrong.push(field, format_args!("unknown capability {name:?}"));
            }
            // Go keeps a name that is listed twice.
            [one] => {
                seen.insert(*one);
                found.push(*one);
            }
            every => found.extend(every.iter().filter(|one| seen.insert(**one))),
        }
    }
    found
}

/// Each name of a list with its index, and what it stands for. An `ALL` after the first adds nothing and is left out.
fn meant_each<'a>(
    all: &'static [&'static str],
    names: &'a [String],
) -> impl Iterator<Item = (usize, &'a str, &'static [&'static str])> {
    let mut has_all = false;
    names.iter().enumerate().filter_map(move |(index, name)| {
        let meant = meant(all, name);
        let repeats = meant.len() > 1 && std::mem::replace(&mut has_all, true);
        (!repeats).then_some((index, name.as_str(), meant))
    })
}

/// The capabilities that a name stands for: `ALL` is all of `all`; nothing for an unknown name.
fn meant(all: &'static [&'static str], name: &str) -> &'static [&'static str] {
    let bare = match name.split_at_checked("CAP_".len()) {
        Some((prefix, bare)) if prefix.eq_ignore_ascii_case("CAP_") => bare,
        _ => name,
    };
    if bare.eq_ignore_ascii_case("ALL") {
        return all;
    }
    let is_it = |known: &&str| {
        known.get("CAP_".len()..).is_some_and(|known| known.eq_ignore_ascii_case(bare))
    };
    KNOWN.iter().position(is_it).and_then(|at| KNOWN.get(at..=at)).unwrap_or_default()
}

/// Gives every capability. containerd: `oci.WithAllKnownCapabilities`.
pub(super) fn give_all(host: &HostFacts, assembly: &mut Assembly) {
    for list in three(assembly.capabilities()) {
        *list = owned(known(host));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_kernels_with_or_without_the_prefix() {
        let mut wrong = Violations::default();
        let mut parse =
            |names: [&str; 2]| parse(&KNOWN, "add", &names.map(ToOwned::to_owned), &mut wrong);
        assert_eq!(parse(["CAP_BPF", "sys_admin"]), ["CAP_BPF", "CAP_SYS_ADMIN"]);
        assert_eq!(parse(["ALL", "all"]), KNOWN);
        assert_eq!(parse(["CAP_NONSENSE", "CAP_BPF"]), ["CAP_BPF"]);
        assert_eq!(
            wrong.to_string(),
            "options.capabilities.add[0]: unknown capability \"CAP_NONSENSE\""
        );
    }

    #[test]
    fn all_ends_with_the_last_that_the_host_has() {
        let host = |last_capability| HostFacts { last_capability, ..HostFacts::default() };
        assert_eq!(known(&host(None)), KNOWN);
        assert_eq!(known(&host(Some(37))).last(), Some(&"CAP_AUDIT_READ"));
        assert_eq!(known(&host(Some(40))), KNOWN);
        assert_eq!(known(&host(Some(63))), KNOWN);
    }
}
