//! The namespaces.

use crate::domain::sandbox::{IdMapping, NamespaceKind, NamespaceOf};
use crate::domain::violation::Violations;
use crate::spec::draft::{Draft, from_json, to_json};
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use oci_spec::runtime::{LinuxIdMapping, LinuxNamespace, LinuxNamespaceType};
use serde_json::json;

/// Makes each namespace the container's own, the host's, or one by its path; maps the ids of a user
/// namespace; and warns of each namespace that somebody else has to make first.
///
/// containerd: `oci.WithLinuxNamespace`, `oci.WithHostNamespace`, `oci.WithUserNamespace`.
pub(crate) fn namespaces(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = &inputs.options.namespaces;
    let mut list = draft.linux.namespaces().clone().unwrap_or_default();
    for (kind, of) in &options.of {
        set(&mut list, *kind, of)?;
    }
    let maps = !options.uid_mappings.is_empty() || !options.gid_mappings.is_empty();
    if maps {
        if position(&list, NamespaceKind::User)?.is_none() {
            set(&mut list, NamespaceKind::User, &NamespaceOf::Private)?;
        }
        let append = |old: &Option<Vec<LinuxIdMapping>>, new: &[IdMapping]| {
            let mut all = old.clone().unwrap_or_default();
            for mapping in new {
                all.push(from_json(to_json(mapping)?)?);
            }
            Ok::<_, SpecError>(Some(all))
        };
        let uids = append(draft.linux.uid_mappings(), &options.uid_mappings)?;
        let gids = append(draft.linux.gid_mappings(), &options.gid_mappings)?;
        draft.linux.set_uid_mappings(uids).set_gid_mappings(gids);
    }
    let joined: Vec<String> = list
        .iter()
        .filter_map(|namespace| {
            let path = namespace.path().as_ref()?;
            let (kind, path) = (name(namespace.typ()), path.display());
            Some(format!("the {kind} namespace {path} must exist before the container starts"))
        })
        .collect();
    draft.warnings.extend(joined);
    draft.linux.set_namespaces(Some(list));
    moved(inputs, draft)
}

/// Sets clocks and network devices, which are moved only into a namespace that is not the host's.
///
/// runc: `validate.namespaces`, `validate.netDevices`.
fn moved(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = &inputs.options.namespaces;
    let mut wrong = Violations::default();
    if !options.time_offsets.is_empty() && !is_private(draft, NamespaceKind::Time) {
        wrong.push("options.namespaces.time_offsets", "needs a private time namespace");
    }
    let list = draft.linux.namespaces().as_deref().unwrap_or_default();
    if !options.net_devices.is_empty() && position(list, NamespaceKind::Network)?.is_none() {
        let text = "needs a network namespace that is not the host's";
        wrong.push("options.namespaces.net_devices", text);
    }
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    if !options.time_offsets.is_empty() {
        draft.merge_linux(json!({ "timeOffsets": options.time_offsets }))?;
    }
    if !options.net_devices.is_empty() {
        let device = |name: &String| match name.as_str() {
            "" => json!({}),
            name => json!({ "name": name }),
        };
        let devices = options.net_devices.iter().map(|(host, name)| (host.clone(), device(name)));
        let devices: serde_json::Map<_, _> = devices.collect();
        draft.merge_linux(json!({ "netDevices": devices }))?;
    }
    Ok(())
}

fn set(
    list: &mut Vec<LinuxNamespace>,
    kind: NamespaceKind,
    of: &NamespaceOf,
) -> Result<(), SpecError> {
    let at = position(list, kind)?;
    let mut entry = json!({ "type": kind });
    match of {
        NamespaceOf::Host => {
            if let Some(at) = at {
                list.remove(at);
            }
            return Ok(());
        }
        NamespaceOf::Private => {}
        NamespaceOf::Path(path) => entry["path"] = json!(path),
    }
    let entry = from_json(entry)?;
    match at {
        Some(at) => list[at] = entry,
        None => list.push(entry),
    }
    Ok(())
}

fn position(list: &[LinuxNamespace], kind: NamespaceKind) -> Result<Option<usize>, SpecError> {
    let kind: LinuxNamespaceType = from_json(to_json(&kind)?)?;
    Ok(list.iter().position(|namespace| namespace.typ() == kind))
}

/// Whether the container has a namespace of a kind of its own.
pub(super) fn is_private(draft: &Draft, kind: NamespaceKind) -> bool {
    let list = draft.linux.namespaces().as_deref().unwrap_or_default();
    let at = position(list, kind).ok().flatten();
    at.is_some_and(|at| list[at].path().is_none())
}

/// Whether the container is in a namespace of a kind that is not the host's.
pub(super) fn has(draft: &Draft, kind: NamespaceKind) -> bool {
    let list = draft.linux.namespaces().as_deref().unwrap_or_default();
    position(list, kind).is_ok_and(|at| at.is_some())
}

/// The name of a kind in the runtime specification.
fn name(kind: LinuxNamespaceType) -> &'static str {
    match kind {
        LinuxNamespaceType::Mount => "mount",
        LinuxNamespaceType::Cgroup => "cgroup",
        LinuxNamespaceType::Uts => "uts",
        LinuxNamespaceType::Ipc => "ipc",
        LinuxNamespaceType::User => "user",
        LinuxNamespaceType::Pid => "pid",
        LinuxNamespaceType::Network => "network",
        LinuxNamespaceType::Time => "time",
    }
}
