//! The root filesystem and the mounts.

use super::convert::{Convert, convert};
use super::{absolute, scheduling};
use crate::api::pb::specd as pb;
use crate::domain::request::{MountOptions, RootOptions};
use crate::domain::violation::Violations;
use crate::oci::Mount;
use crate::paths::clean;
use std::collections::HashSet;

convert! {
    Mount => Mount { destination, r#type: kind, source, options, uid_mappings, gid_mappings }
}

pub(super) fn root(message: pb::RootOptions, wrong: &mut Violations) -> RootOptions {
    let name = |number| {
        scheduling::name(number, pb::MountPropagation::as_str_name, "").to_ascii_lowercase()
    };
    let propagation = name(message.propagation);
    if propagation.is_empty() && message.propagation != 0 {
        let names: Vec<String> = (1..).map(name).take_while(|name| !name.is_empty()).collect();
        let text = format_args!("must be one of {}", names.join(", "));
        wrong.push("options.root.propagation", text);
    }
    if message.path.as_ref().is_some_and(|path| path.is_empty() || path.contains('\0')) {
        wrong.push("options.root.path", "must be a path, for example rootfs");
    }
    let propagation = (!propagation.is_empty()).then_some(propagation);
    RootOptions { readonly: message.readonly, propagation, path: message.path }
}

pub(super) fn mounts(message: pb::MountOptions, wrong: &mut Violations) -> MountOptions {
    for (index, path) in message.remove.iter().enumerate() {
        absolute(|| format!("options.mounts.remove[{index}]"), path, wrong);
    }
    if message.dev_shm_size_kb == Some(0) {
        wrong.push("options.mounts.dev_shm_size_kb", "must be at least 1");
    }
    let image_volumes_in_memory = match message.image_volumes() {
        pb::ImageVolumes::Unspecified => false,
        pb::ImageVolumes::Tmpfs => true,
    };
    let mut destinations = HashSet::new();
    let mut check = |path: &str, field: &str, wrong: &mut Violations| {
        let field = format!("{field}.destination");
        absolute(|| field.clone(), path, wrong);
        if !destinations.insert(clean(path)) {
            wrong.push(field, "is mounted on twice");
        }
    };
    let mut tmpfs: Vec<Mount> = Vec::new();
    for (index, mount) in message.tmpfs.into_iter().enumerate() {
        let field = format!("options.mounts.tmpfs[{index}]");
        check(&mount.destination, &field, wrong);
        tmpfs.push(tmpfs_mount(mount, &field, wrong));
    }
    for (index, mount) in message.add.iter().enumerate() {
        check(&mount.destination, &format!("options.mounts.add[{index}]"), wrong);
    }
    MountOptions {
        vm_network: message.vm_network,
        remove: message.remove,
        dev_shm_size_kb: message.dev_shm_size_kb,
        host_localtime: message.host_localtime,
        writable_sysfs: message.writable_sysfs,
        writable_cgroupfs: message.writable_cgroupfs,
        image_volumes_in_memory,
        tmpfs,
        add: message.add.convert(),
    }
}

/// A filesystem in memory as a mount. It is nosuid, noexec and nodev unless its options say otherwise.
fn tmpfs_mount(message: pb::TmpfsMount, field: &str, wrong: &mut Violations) -> Mount {
    let pb::TmpfsMount { destination, size_bytes, mode, options: given } = message;
    if size_bytes == Some(0) {
        wrong.push(format!("{field}.size_bytes"), "must be at least 1: 0 would be no limit");
    }
    if mode.is_some_and(|mode| mode > 0o7777) {
        wrong.push(format!("{field}.mode"), "must be at most 4095, which is 07777");
    }
    for (index, option) in given.iter().enumerate() {
        let field = || format!("{field}.options[{index}]");
        if option.is_empty() || option.contains([',', '\0']) {
            wrong.push(field(), "must be one option, for example \"ro\"");
        } else if (option.starts_with("size=") && size_bytes.is_some())
            || (option.starts_with("mode=") && mode.is_some())
        {
            wrong.push(field(), "is set by a field of its own too");
        }
    }
    let usual = [("nosuid", "suid"), ("noexec", "exec"), ("nodev", "dev")];
    let kept = usual.iter().filter(|(no, yes)| !given.iter().any(|one| one == no || one == yes));
    let mut options: Vec<String> = kept.map(|(no, _)| (*no).to_owned()).collect();
    options.extend(given);
    options.extend(size_bytes.map(|bytes| format!("size={bytes}")));
    options.extend(mode.map(|mode| format!("mode={mode:o}")));
    let (kind, source) = ("tmpfs".to_owned(), "tmpfs".to_owned());
    Mount { destination, kind, source, options, ..Mount::default() }
}
