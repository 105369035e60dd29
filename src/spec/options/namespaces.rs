//! The namespaces.

use crate::domain::origin::Origin;
use crate::domain::request::NamespaceOptions;
use crate::domain::sandbox::{IdMapping, NamespaceKind, NamespaceOf};
use crate::spec::draft::{Draft, from_json, to_json};
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
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
    moved(inputs, draft)?;
    draft.explain("/linux", || |change: &Change<'_>| said(options, change));
    Ok(())
}

/// Sets clocks and network devices; that there are namespaces for them is a rule on the finished spec.
fn moved(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = &inputs.options.namespaces;
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

/// Which option a namespace or a mapping comes from.
fn said(options: &NamespaceOptions, change: &Change<'_>) -> Option<Said> {
    for (list, field) in
        [("/linux/uidMappings", "uid_mappings"), ("/linux/gidMappings", "gid_mappings")]
    {
        if change.pointer == list {
            return Some(Said::Changed(Origin::option(format_args!("namespaces.{field}"))));
        }
    }
    if let Some(clock) = change.key_in("/linux/timeOffsets") {
        let field = format!("namespaces.time_offsets.{clock}");
        return options
            .time_offsets
            .contains_key(clock.as_str())
            .then(|| Said::Set(Origin::option(field)));
    }
    if let Some(device) = change.key_in("/linux/netDevices") {
        let field = format!("namespaces.net_devices[{device:?}]");
        return options.net_devices.contains_key(&device).then(|| Said::Set(Origin::option(field)));
    }
    change.key_in("/linux/namespaces")?;
    let kind = change.value.get("type")?;
    if options.of.iter().any(|(of, _)| json!(of) == *kind) {
        let kind = kind.as_str().unwrap_or_default();
        return Some(Said::Set(Origin::option(format_args!("namespaces.{kind}"))));
    }
    Some(Said::Changed(Origin::rule("namespaces", "ids are mapped in a user namespace")))
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
