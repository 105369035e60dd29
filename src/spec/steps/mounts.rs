//! Mounts beside the profile's own.

use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError};
use crate::domain::image_rules::ImageRules;
use crate::oci::{EncodedOnce, Mount};
use crate::paths::clean;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Bound;

/// Removes, resizes, makes writable and adds mounts, in this order; of those that are added, the image's volumes first. An added mount replaces the one with the
/// same destination, which would be hidden below it, and comes before those below it.
///
/// containerd: `oci.WithoutMounts`, `oci.WithDevShmSize`, `oci.WithWriteableSysfs`,
/// `oci.WithWriteableCgroupfs`, `oci.WithHostResolvconf`, `oci.WithHostHostsFile`,
/// `oci.WithHostLocaltime`, `oci.WithMounts`.
pub(super) fn mounts(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.mounts;
    let order = Order::of(inputs.rules);
    if !options.remove.is_empty() {
        let gone: HashSet<String> = options.remove.iter().map(|path| clean(path)).collect();
        assembly.spec.mounts.retain(|mount| !gone.contains(&clean(&mount.destination)));
        attribute(assembly, "remove", None, || {
            options.remove.iter().map(|path| clean(path)).collect()
        });
    }
    if let Some(size) = options.dev_shm_size_kb {
        resize_shm(&mut assembly.spec.mounts, size)?;
        assembly.attribute_changes(|| Origin::option("mounts.dev_shm_size_kb"));
    }
    if options.writable_sysfs {
        make_writable(assembly, "sysfs");
        assembly.attribute_changes(|| Origin::option("mounts.writable_sysfs"));
    }
    if options.writable_cgroupfs {
        make_writable(assembly, "cgroup");
        assembly.attribute_changes(|| Origin::option("mounts.writable_cgroupfs"));
    }
    if options.image_volumes_in_memory {
        add_image_volumes(inputs, assembly)?;
    }
    if options.vm_network {
        for path in ["/etc/resolv.conf", "/etc/hosts"] {
            add_host_file(assembly, path, "vm_network", order);
        }
    }
    if options.host_localtime {
        add_host_file(assembly, "/etc/localtime", "host_localtime", order);
    }
    for (field, depth, added) in [("tmpfs", None, &options.tmpfs), ("add", Some(2), &options.add)] {
        if !added.is_empty() {
            add(&mut assembly.spec.mounts, added, order);
            let paths = || added.iter().map(|mount| clean(&mount.destination)).collect();
            attribute(assembly, field, depth, paths);
        }
    }
    Ok(())
}

/// Attributes each mount to the entry of a list of options that added or removed it.
fn attribute(
    assembly: &mut Assembly,
    list: &str,
    depth: Option<usize>,
    destinations: impl FnOnce() -> Vec<String>,
) {
    assembly.attribute("/mounts", || {
        let all = destinations().into_iter().enumerate();
        let indices: HashMap<String, usize> = all.map(|(index, path)| (path, index)).collect();
        move |change: &Change<'_>| {
            change.key_in("/mounts")?;
            let index = indices.get(&clean(change.value.get("destination")?.as_str()?))?;
            let field = format!("options.mounts.{list}[{index}]");
            Some(Attribution::Set(Origin::Option { field, depth }))
        }
    });
}

/// Puts `rw` in the place of `ro` in every mount of a type.
pub(super) fn make_writable(assembly: &mut Assembly, kind: &str) {
    for mount in assembly.spec.mounts.iter_mut().filter(|mount| mount.kind == kind) {
        for option in mount.options.iter_mut().filter(|option| *option == "ro") {
            "rw".clone_into(option);
        }
    }
}

fn resize_shm(mounts: &mut [EncodedOnce<Mount>], size_kb: u64) -> Result<(), SpecError> {
    let is_shm = |mount: &&mut EncodedOnce<Mount>| {
        mount.destination == "/dev/shm" && mount.kind == "tmpfs" && mount.source == "shm"
    };
    let shm = mounts.iter_mut().find(is_shm).ok_or_else(|| {
        SpecError::field("options.mounts.dev_shm_size_kb", "there is no /dev/shm mount")
    })?;
    shm.options.retain(|option| !option.starts_with("size="));
    shm.options.push(format!("size={size_kb}k"));
    Ok(())
}

/// Mounts a filesystem in memory, with the image's content, on each volume of the image. An image replaces no mount of the
/// profile.
///
/// podman: `getImageVolumes`, `InitFSMounts`.
fn add_image_volumes(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    const OPTIONS: [&str; 6] = ["rprivate", "rw", "nodev", "exec", "nosuid", "tmpcopyup"];
    let mounts = &mut assembly.spec.mounts;
    let mut known: HashSet<String> = mounts.iter().map(|mount| clean(&mount.destination)).collect();
    let volumes = inputs.container().into_iter().flat_map(|container| &container.volumes);
    let paths: Vec<String> =
        volumes.map(|volume| clean(volume)).filter(|path| known.insert(path.clone())).collect();
    if let Some(path) = paths.iter().find(|path| *path == "/" || path.starts_with("/proc/")) {
        let text = format!(
            "the image's volume {path:?} cannot be mounted: leave the option out, and mount the others with tmpfs"
        );
        return Err(SpecError::field("options.mounts.image_volumes", text));
    }
    let volumes: Vec<Mount> = paths
        .into_iter()
        .map(|destination| Mount {
            destination,
            kind: "tmpfs".to_owned(),
            source: "tmpfs".to_owned(),
            options: OPTIONS.map(str::to_owned).to_vec(),
            ..Mount::default()
        })
        .collect();
    add(mounts, &volumes, Order::ParentsFirst);
    assembly.attribute_changes(|| Origin::option("mounts.image_volumes"));
    Ok(())
}

/// Mounts a file of the host read-only at the same place in the container.
fn add_host_file(assembly: &mut Assembly, path: &str, option: &str, order: Order) {
    let mount = Mount {
        destination: path.to_owned(),
        kind: "bind".to_owned(),
        source: path.to_owned(),
        options: vec!["rbind".to_owned(), "ro".to_owned()],
        ..Mount::default()
    };
    add(&mut assembly.spec.mounts, std::slice::from_ref(&mount), order);
    assembly.attribute("/mounts", || {
        |change: &Change<'_>| {
            change.index_in("/mounts")?;
            let is_it = change.value.get("destination").is_some_and(|other| other == path);
            is_it.then(|| Attribution::Set(Origin::option(format_args!("mounts.{option}"))))
        }
    });
}

/// How added mounts are ordered.
#[derive(Clone, Copy)]
enum Order {
    /// At the end, as containerd's Go client does.
    Last,
    /// In the place of the mount with the same destination, else before the first mount below it, so that none is hidden.
    ParentsFirst,
}

impl Order {
    fn of(rules: ImageRules) -> Self {
        if rules == ImageRules::Containerd { Self::Last } else { Self::ParentsFirst }
    }
}

/// Adds mounts, each instead of any other with the same destination.
fn add(mounts: &mut Vec<EncodedOnce<Mount>>, added: &[Mount], order: Order) {
    let mut paths: Vec<String> = mounts.iter().map(|mount| clean(&mount.destination)).collect();
    let mut sorted: BTreeSet<String> = paths.iter().cloned().collect();
    for mount in added {
        let path = clean(&mount.destination);
        let mut same = None;
        if !sorted.insert(path.clone()) {
            for index in (0..paths.len()).rev() {
                if paths[index] == path {
                    paths.remove(index);
                    mounts.remove(index);
                    same = Some(index);
                }
            }
        }
        let at = match order {
            Order::Last => None,
            Order::ParentsFirst => same.or_else(|| first_below(&path, &paths, &sorted)),
        };
        let at = at.unwrap_or(mounts.len());
        mounts.insert(at, mount.clone().into());
        paths.insert(at, path);
    }
}

/// The position of the first path below a directory. The list is searched only if the sorted paths have one.
fn first_below(directory: &str, paths: &[String], sorted: &BTreeSet<String>) -> Option<usize> {
    let prefix = format!("{directory}/");
    let mut from_prefix = sorted.range::<str, _>((Bound::Included(&*prefix), Bound::Unbounded));
    if !from_prefix.next()?.starts_with(&prefix) {
        return None;
    }
    paths.iter().position(|path| path.starts_with(&prefix))
}
