//! How the mounts of a spec lie on one another: those that a later mount hides, and those inside another one.

use super::clean_paths::{clean_path, destination, directories_above};
use super::{Findings, devices, repeated};
use crate::oci::{Mount, Spec, place};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// No mount is hidden by a later one.
pub(super) fn once(spec: &Spec, findings: &mut Findings) {
    // From the last to the first, so that each but the last at a destination repeats it.
    let repeated = repeated::positions(spec.mounts.iter().rev().map(|mount| destination(mount)));
    for from_the_last in repeated.into_iter().rev() {
        let index = spec.mounts.len() - 1 - from_the_last;
        let text = "is mounted twice, and only the last mount is visible";
        findings.add(place!["mounts", index, "destination"], text);
    }
}

/// Filesystems of which the kernel has one instance for each namespace.
const ONE_INSTANCE: [&str; 2] = ["sysfs", "mqueue"];

/// Whether a mount is of such an instance, whatever is mounted.
fn has_one_instance(mount: &Mount) -> bool {
    ONE_INSTANCE.contains(&mount.kind.as_str())
        && !mount.is_bind()
        && !mount.options.iter().any(|option| option == "remount")
}

/// No instance is mounted on itself.
pub(super) fn on_itself(spec: &Spec, findings: &mut Findings) {
    let count = |kind: &&str| spec.mounts.iter().filter(|mount| mount.kind == **kind).count();
    if ONE_INSTANCE.iter().all(|kind| count(kind) < 2) {
        return;
    }
    let paths: Vec<Cow<'_, str>> = spec.mounts.iter().map(|mount| destination(mount)).collect();
    // The earlier mounts, with their positions.
    let mut earlier: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, (mount, path)) in spec.mounts.iter().zip(&paths).enumerate() {
        if let Some(under) = earlier.insert(path, index)
            && [mount, &spec.mounts[under]].into_iter().all(|mount| has_one_instance(mount))
            && mount.kind == spec.mounts[under].kind
            && !directories_above(path)
                .any(|above| earlier.get(above).is_some_and(|at| *at > under))
        {
            let text = format_args!(
                "has a {} already, which the kernel does not mount on itself",
                mount.kind
            );
            let place = |index| place!["mounts", index, "destination"];
            findings.add_contradiction(place(index), place(under), text);
        }
    }
}

/// No mount is hidden by a later one on a directory above it.
pub(super) fn hidden(spec: &Spec, findings: &mut Findings) {
    let paths: Vec<Cow<'_, str>> = spec.mounts.iter().map(|mount| destination(mount)).collect();
    // From the last to the first, with the later mounts and their positions.
    let mut later: BTreeMap<&str, usize> = BTreeMap::new();
    let mut hidden = Vec::new();
    for (index, path) in paths.iter().enumerate().rev() {
        if let Some(by) = directories_above(path).filter_map(|above| later.get(above)).max() {
            hidden.push((index, *by));
        }
        later.entry(&**path).or_insert(index);
    }
    for (index, by) in hidden.into_iter().rev() {
        let text = format_args!("is hidden by the mount on {}, which comes later", paths[by]);
        let place = |index| place!["mounts", index, "destination"];
        findings.add_contradiction(place(index), place(by), text);
    }
}

/// Filesystems with files that runtimes cannot copy: those of the kernel that nobody may read, and device nodes.
const NOT_COPIED: [&str; 5] = ["proc", "sysfs", "cgroup", "cgroup2", "devpts"];

/// What a tmpfs hides can be copied into it, if that is requested.
pub(super) fn copied(spec: &Spec, findings: &mut Findings) {
    let copies = |mount: &Mount| {
        let at = mount.options.iter().position(|option| option == "tmpcopyup");
        at.filter(|_| mount.kind == "tmpfs" && !mount.is_bind())
    };
    if !spec.mounts.iter().any(|mount| copies(mount).is_some()) {
        return;
    }
    // Those that cannot be copied, where no later mount hides them.
    let mut visible: BTreeMap<Cow<'_, str>, usize> = BTreeMap::new();
    for (index, mount) in spec.mounts.iter().enumerate() {
        let path = destination(mount);
        let below = Cow::from(format!("{}/", path.trim_end_matches('/')));
        let inside = visible.range(below.clone()..).map(|(other, at)| (other.clone(), *at));
        let mut hidden: Vec<_> = inside.take_while(|it| it.0.starts_with(&*below)).collect();
        hidden.extend(visible.get(&path).map(|at| (path.clone(), *at)));
        if let (Some(option), Some((other, at))) = (copies(mount), hidden.first()) {
            let text = format_args!(
                "copies the {} on {other}, which has files that cannot be copied",
                spec.mounts[*at].kind
            );
            let place = place!["mounts", index, "options", option];
            findings.add_contradiction(place, place!["mounts", *at, "destination"], text);
        }
        for (other, _) in hidden {
            visible.remove(&other);
        }
        if !mount.is_bind() && NOT_COPIED.contains(&mount.kind.as_str()) {
            visible.insert(path, index);
        }
    }
}

/// Filesystems in which nobody can make a directory.
const WITHOUT_DIRECTORIES: [&str; 2] = ["devpts", "mqueue"];

/// Nothing is mounted where its directory or file cannot be made: in a devpts, except on its `ptmx`, and on a directory
/// in an mqueue.
pub(super) fn inside_devpts(spec: &Spec, findings: &mut Findings) {
    let is_unfit =
        |mount: &Mount| WITHOUT_DIRECTORIES.contains(&mount.kind.as_str()) && !mount.is_bind();
    let unfit = spec.mounts.iter().filter(|mount| is_unfit(mount));
    let unfit: BTreeSet<Cow<'_, str>> = unfit.map(|mount| destination(mount)).collect();
    let is_inside = |path: &str| directories_above(path).any(|above| unfit.contains(above));
    if !spec.mounts.iter().any(|mount| is_inside(&destination(mount))) {
        return;
    }
    let paths: Vec<Cow<'_, str>> = spec.mounts.iter().map(|mount| destination(mount)).collect();
    let mut earlier: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, path) in paths.iter().enumerate() {
        let at = directories_above(path).filter_map(|above| earlier.get(above)).max().copied();
        if let Some(at) = at.filter(|at| is_unfit(&spec.mounts[*at])) {
            let kind = &spec.mounts[at].kind;
            // What is bound can be a file, for which a file can be made in an mqueue.
            let can_be_made = match kind.as_str() {
                "devpts" => path.strip_prefix(&*paths[at]) == Some("/ptmx"),
                _ => spec.mounts[index].is_bind(),
            };
            if !can_be_made {
                let text = format_args!("cannot be made inside the {kind} on {}", paths[at]);
                let place = |index| place!["mounts", index, "destination"];
                findings.add_contradiction(place(index), place(at), text);
            }
        }
        earlier.insert(path, index);
    }
}

/// The mount that a path `/dev/null` leads to: on it, and not below a later mount on `/dev`.
fn mount_on_null(spec: &Spec) -> Option<(usize, &Mount)> {
    let places = spec.mounts.iter().enumerate().rev();
    let mut mounts = places.map(|(index, mount)| (index, mount, destination(mount)));
    let last = mounts.find(|(_, _, path)| matches!(&**path, "/dev" | devices::NULL));
    last.filter(|(_, _, path)| path == devices::NULL).map(|(index, mount, _)| (index, &**mount))
}

/// No filesystem is mounted on `/dev/null`, which would be a directory.
pub(super) fn on_null(spec: &Spec, findings: &mut Findings) {
    if let Some((index, mount)) = mount_on_null(spec)
        && !mount.is_bind()
        && !mount.options.iter().any(|option| option == "remount")
    {
        let text = "must not be /dev/null, which the runtime opens";
        findings.add(place!["mounts", index, "destination"], text);
    }
}

/// What is bound on `/dev/null` is the null device. Another path of the host can lead to one, too.
pub(super) fn null_source(spec: &Spec, findings: &mut Findings) {
    if let Some((index, mount)) = mount_on_null(spec)
        && mount.is_bind()
        && clean_path(&mount.source) != devices::NULL
    {
        let text = "should be /dev/null: runc opens what is bound there, and refuses all but the null device";
        findings.add(place!["mounts", index, "source"], text);
    }
}
