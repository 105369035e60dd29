//! Mounts of which nothing can be bound.

use super::Findings;
use super::clean_paths::{clean_path, destination};
use super::devices::NULL;
use super::mount_options::PROPAGATIONS;
use crate::oci::{Mount, Place, Spec, place};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where an option makes a mount unbindable. The last option of its kind counts.
fn unbindable(mount: &Mount) -> Option<usize> {
    let at = mount.options.iter().rposition(|option| PROPAGATIONS.contains(&&**option))?;
    mount.options[at].ends_with("unbindable").then_some(at)
}

/// What masked and read-only paths bind is not in such a mount: `/dev/null`, and read-only paths.
pub(super) fn hidden_paths(spec: &Spec, findings: &mut Findings) {
    let Some(linux) = &spec.linux else { return };
    if !spec.mounts.iter().any(|mount| unbindable(mount).is_some()) {
        return;
    }
    let places: Vec<Cow<'_, str>> = spec.mounts.iter().map(|mount| destination(mount)).collect();
    // The last mount at each place.
    let mounts: BTreeMap<&str, usize> =
        places.iter().enumerate().map(|(index, path)| (&**path, index)).collect();
    let mut check = |place: Place, path: &str| {
        let above = path.rmatch_indices('/').map(|(at, _)| &path[..at]);
        let Some(index) = std::iter::once(path).chain(above).find_map(|path| mounts.get(path))
        else {
            return;
        };
        if let Some(at) = unbindable(&spec.mounts[*index]) {
            let text =
                format_args!("needs {path}, which runc cannot bind from an unbindable mount");
            findings.add_contradiction(place, place!["mounts", *index, "options", at], text);
        }
    };
    if !linux.masked_paths.is_empty() {
        check(place!["linux", "maskedPaths"], NULL);
    }
    for (index, path) in linux.readonly_paths.iter().enumerate() {
        check(place!["linux", "readonlyPaths", index], &clean_path(path));
    }
}
