//! The root filesystem, and filesystems in memory.

use crate::api::pb::specd as pb;
use crate::api::request::scheduling::{name, one_of};
use crate::domain::request::RootOptions;
use crate::domain::sandbox::Mount;
use crate::domain::violation::Violations;

pub(super) fn root(message: pb::RootOptions, wrong: &mut Violations) -> RootOptions {
    use pb::MountPropagation as Propagation;
    const PROPAGATIONS: [(Propagation, &str); 8] = [
        (Propagation::Private, "private"),
        (Propagation::Rprivate, "rprivate"),
        (Propagation::Slave, "slave"),
        (Propagation::Rslave, "rslave"),
        (Propagation::Shared, "shared"),
        (Propagation::Rshared, "rshared"),
        (Propagation::Unbindable, "unbindable"),
        (Propagation::Runbindable, "runbindable"),
    ];
    let propagation = name(message.propagation, &PROPAGATIONS);
    if propagation.is_none() && message.propagation != 0 {
        wrong.push("options.root.propagation", one_of(&PROPAGATIONS));
    }
    if message.path.as_ref().is_some_and(|path| path.is_empty() || path.contains('\0')) {
        wrong.push("options.root.path", "must be a path, as rootfs");
    }
    RootOptions { readonly: message.readonly, propagation, path: message.path }
}

/// A filesystem in memory as a mount. Its options keep nosuid, noexec and nodev unless they say otherwise.
pub(super) fn tmpfs(message: pb::TmpfsMount, field: &str, wrong: &mut Violations) -> Mount {
    let pb::TmpfsMount { destination, size_bytes, mode, options: given } = message;
    if size_bytes == Some(0) {
        wrong.push(format!("{field}.size_bytes"), "must be at least 1: 0 would be no limit");
    }
    if mode.is_some_and(|mode| mode > 0o7777) {
        wrong.push(format!("{field}.mode"), "must be at most 4095, which is 07777");
    }
    for (index, option) in given.iter().enumerate() {
        let field = format!("{field}.options[{index}]");
        if option.is_empty() || option.contains([',', '\0']) {
            wrong.push(field, "must be one option, as \"ro\"");
        } else if (option.starts_with("size=") && size_bytes.is_some())
            || (option.starts_with("mode=") && mode.is_some())
        {
            wrong.push(field, "is given by a field of its own too");
        }
    }
    let usual = [("nosuid", "suid"), ("noexec", "exec"), ("nodev", "dev")];
    let kept = usual.iter().filter(|(no, yes)| !given.iter().any(|one| one == no || one == yes));
    let mut options: Vec<String> = kept.map(|(no, _)| (*no).to_owned()).collect();
    options.extend(given);
    options.extend(size_bytes.map(|bytes| format!("size={bytes}")));
    options.extend(mode.map(|mode| format!("mode={mode:o}")));
    Mount {
        destination,
        kind: "tmpfs".to_owned(),
        source: "tmpfs".to_owned(),
        options,
        uid_mappings: Vec::new(),
        gid_mappings: Vec::new(),
    }
}
