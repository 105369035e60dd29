//! Mounts beside the profile's own.

use crate::domain::sandbox::cleaned;
use crate::spec::draft::{Draft, from_json, to_json};
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use oci_spec::runtime::Mount;
use std::path::Path;

/// Removes, resizes, makes writable and adds, in this order; what is added replaces what has the same
/// destination.
///
/// containerd: `oci.WithoutMounts`, `oci.WithDevShmSize`, `oci.WithWriteableSysfs`,
/// `oci.WithWriteableCgroupfs`, `oci.WithHostResolvconf`, `oci.WithHostHostsFile`,
/// `oci.WithHostLocaltime`, `oci.WithMounts`.
pub(crate) fn mounts(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = &inputs.options.mounts;
    for path in &options.remove {
        remove(&mut draft.mounts, path);
    }
    if let Some(size) = options.dev_shm_size_kb {
        resize_shm(&mut draft.mounts, size)?;
    }
    if options.writable_sysfs {
        make_writable(draft, "sysfs");
    }
    if options.writable_cgroupfs {
        make_writable(draft, "cgroup");
    }
    if options.vm_network {
        for path in ["/etc/resolv.conf", "/etc/hosts"] {
            add(&mut draft.mounts, readonly_bind(path));
        }
    }
    if options.host_localtime {
        add(&mut draft.mounts, readonly_bind("/etc/localtime"));
    }
    for mount in options.tmpfs.iter().chain(&options.add) {
        add(&mut draft.mounts, from_json(to_json(mount)?)?);
    }
    Ok(())
}

/// Puts `rw` in the place of `ro` in every mount of a type.
pub(super) fn make_writable(draft: &mut Draft, kind: &str) {
    for mount in draft.mounts.iter_mut().filter(|mount| mount.typ().as_deref() == Some(kind)) {
        for option in mount.options_mut().iter_mut().flatten() {
            if option == "ro" {
                "rw".clone_into(option);
            }
        }
    }
}

fn resize_shm(mounts: &mut [Mount], size_kb: u64) -> Result<(), SpecError> {
    let is_shm = |mount: &&mut Mount| {
        mount.destination() == Path::new("/dev/shm")
            && mount.typ().as_deref() == Some("tmpfs")
            && mount.source().as_deref() == Some(Path::new("shm"))
    };
    let shm = mounts.iter_mut().find(is_shm).ok_or_else(|| {
        SpecError::field("options.mounts.dev_shm_size_kb", "there is no /dev/shm mount")
    })?;
    let mut options = shm.options().clone().unwrap_or_default();
    options.retain(|option| !option.starts_with("size="));
    options.push(format!("size={size_kb}k"));
    shm.set_options(Some(options));
    Ok(())
}

/// A file of the host at the same place in the container.
fn readonly_bind(path: &str) -> Mount {
    let mut mount = Mount::default();
    mount
        .set_destination(path.into())
        .set_typ(Some("bind".to_owned()))
        .set_source(Some(path.into()))
        .set_options(Some(vec!["rbind".to_owned(), "ro".to_owned()]));
    mount
}

/// Adds a mount in the place of one with the same destination, which would only lie hidden below it.
fn add(mounts: &mut Vec<Mount>, mount: Mount) {
    remove(mounts, &mount.destination().to_string_lossy());
    mounts.push(mount);
}

fn remove(mounts: &mut Vec<Mount>, destination: &str) {
    let destination = cleaned(destination);
    mounts.retain(|mount| cleaned(&mount.destination().to_string_lossy()) != destination);
}
