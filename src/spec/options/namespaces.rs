//! The namespaces.

use crate::domain::sandbox::{IdMapping, NamespaceKind, NamespaceOf};
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
