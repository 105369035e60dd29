//! The user and the groups, in numbers.

use super::user_namespace::MappedIds;
use super::{Findings, namespaces};
use crate::domain::limits::MAX_ID;
use crate::oci::{Place, Process, Spec, place};

/// The number that stands for no ID.
const NO_ID: u32 = u32::MAX;

/// How many additional groups a process can have.
const GROUPS: usize = 65_536;

/// The greatest umask.
const UMASK: u32 = 0o777;

/// The groups of the process with their places.
fn groups_of(process: &Process) -> impl Iterator<Item = (u32, impl Fn() -> Place)> {
    let user = &process.user;
    let additional = user.additional_gids.iter().enumerate();
    let all = [(None, user.gid)].into_iter().chain(additional.map(|(at, gid)| (Some(at), *gid)));
    all.map(|(at, gid)| {
        let place = move || match at {
            None => place!["process", "user", "gid"],
            Some(at) => place!["process", "user", "additionalGids", at],
        };
        (gid, place)
    })
}

/// No ID is the reserved one.
pub(super) fn numbers(spec: &Spec, findings: &mut Findings) {
    let Some(process) = &spec.process else { return };
    let text = format_args!("{NO_ID} is reserved ((uid_t)-1)");
    if process.user.uid == NO_ID {
        findings.add(place!["process", "user", "uid"], text);
    }
    for (_, place) in groups_of(process).filter(|(gid, _)| *gid == NO_ID) {
        findings.add(place(), text);
    }
}

/// Every ID is one that an old runc accepts, too.
pub(super) fn range(spec: &Spec, findings: &mut Findings) {
    let Some(process) = &spec.process else { return };
    let is_wrong = |id: u32| id > MAX_ID && id != NO_ID;
    let text = format_args!("should be at most {MAX_ID}, which is what runc 1.1 accepts");
    if is_wrong(process.user.uid) {
        findings.add(place!["process", "user", "uid"], text);
    }
    for (_, place) in groups_of(process).filter(|(gid, _)| is_wrong(*gid)) {
        findings.add(place(), text);
    }
}

/// The umask has no other bits than those of permissions.
pub(super) fn umask(spec: &Spec, findings: &mut Findings) {
    let umask = spec.process.as_ref().and_then(|process| process.user.umask);
    if umask.is_some_and(|umask| umask > UMASK) {
        let place = place!["process", "user", "umask"];
        findings.add(place, format_args!("must be at most {UMASK}, which is 0777"));
    }
}

/// There are no more groups than a process can have.
pub(super) fn groups(spec: &Spec, findings: &mut Findings) {
    if spec.process.as_ref().is_some_and(|it| it.user.additional_gids.len() > GROUPS) {
        let place = place!["process", "user", "additionalGids"];
        findings.add(place, format_args!("must be at most {GROUPS} groups"));
    }
}

/// Every ID is mapped in the private user namespace. The reserved one is reported by [`numbers`], and crun leaves what it stands for
/// unchanged.
pub(super) fn mapped(spec: &Spec, findings: &mut Findings) {
    let (Some(process), Some(linux)) = (&spec.process, &spec.linux) else { return };
    if !namespaces::is_private(spec, "user") {
        return;
    }
    let mut check = |ids: &MappedIds, name: &str, id: u32, place: &dyn Fn() -> Place| {
        if id != NO_ID && !ids.contain(id) {
            let mappings = place!["linux", format!("{name}Mappings").as_str()];
            findings.add_contradiction(
                place(),
                mappings,
                format_args!("{name} {id} is not mapped"),
            );
        }
    };
    if !linux.uid_mappings.is_empty() {
        let ids = MappedIds::new(&linux.uid_mappings);
        check(&ids, "uid", process.user.uid, &|| place!["process", "user", "uid"]);
    }
    if !linux.gid_mappings.is_empty() {
        let ids = MappedIds::new(&linux.gid_mappings);
        for (gid, place) in groups_of(process) {
            check(&ids, "gid", gid, &place);
        }
    }
}
