//! What the process may do beside what its user may.

use crate::domain::host_facts::HostFacts;
use crate::domain::origin::Origin;
use crate::spec::draft::{CapabilityLists, Draft};
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
use crate::spec::opt::Inputs;
use oci_spec::runtime::Capability;

/// Every capability of Linux 5.9, in the kernel's order. containerd: `cap.Known`.
pub(crate) const KNOWN: [Capability; 41] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::DacReadSearch,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::Setgid,
    Capability::Setuid,
    Capability::Setpcap,
    Capability::LinuxImmutable,
    Capability::NetBindService,
    Capability::NetBroadcast,
    Capability::NetAdmin,
    Capability::NetRaw,
    Capability::IpcLock,
    Capability::IpcOwner,
    Capability::SysModule,
    Capability::SysRawio,
    Capability::SysChroot,
    Capability::SysPtrace,
    Capability::SysPacct,
    Capability::SysAdmin,
    Capability::SysBoot,
    Capability::SysNice,
    Capability::SysResource,
    Capability::SysTime,
    Capability::SysTtyConfig,
    Capability::Mknod,
    Capability::Lease,
    Capability::AuditWrite,
    Capability::AuditControl,
    Capability::Setfcap,
    Capability::MacOverride,
    Capability::MacAdmin,
    Capability::Syslog,
    Capability::WakeAlarm,
    Capability::BlockSuspend,
    Capability::AuditRead,
    Capability::Perfmon,
    Capability::Bpf,
    Capability::CheckpointRestore,
];

/// The sets that every change but ambient is made in.
const THREE: [&str; 3] = ["bounding", "effective", "permitted"];

/// Replaces, adds, drops, and sets the ambient set, in this order.
///
/// containerd: `oci.WithCapabilities`, `oci.WithAddedCapabilities`, `oci.WithDroppedCapabilities`,
/// `oci.WithAmbientCapabilities`; but a capability that is dropped, or not in the set, does not stay ambient,
/// and a name that no kernel knows is refused.
pub(crate) fn capabilities(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = &inputs.options.capabilities;
    let all = known(inputs.host);
    if let Some(names) = &options.set {
        let lists = &mut draft.capabilities;
        let set = named(all, "set.values", names)?;
        if set.is_empty() {
            lists.replace("inheritable", Vec::new());
        } else {
            lists.edit("inheritable", |list| list.retain(|one| set.contains(one)));
        }
        for name in THREE {
            lists.replace(name, set.clone());
        }
        // Only an exec begins with any, those of the container.
        lists.edit("ambient", |list| list.retain(|one| set.contains(one)));
        explain(draft, &THREE, "set.values", names);
    }
    let lists = &mut draft.capabilities;
    for one in named(all, "add", &options.add)? {
        for name in THREE {
            lists.edit(name, |list| {
                if !list.contains(&one) {
                    list.push(one);
                }
            });
        }
    }
    explain(draft, &THREE, "add", &options.add);
    let lists = &mut draft.capabilities;
    let drop = named(&KNOWN, "drop", &options.drop)?;
    for name in CapabilityLists::NAMES {
        lists.edit(name, |list| list.retain(|one| !drop.contains(one)));
    }
    explain(draft, &CapabilityLists::NAMES, "drop", &options.drop);
    let lists = &mut draft.capabilities;
    let ambient = named(all, "ambient", &options.ambient)?;
    if !ambient.is_empty() {
        lists.replace("inheritable", ambient.clone());
        lists.replace("ambient", ambient);
        explain(draft, &["inheritable", "ambient"], "ambient", &options.ambient);
    }
    Ok(())
}

/// Says which name of an option asked for each capability that is there or gone.
fn explain(draft: &mut Draft, lists: &[&str], field: &str, names: &[String]) {
    if names.is_empty() && field != "set.values" {
        return;
    }
    draft.explain("/process/capabilities", || {
        let each: Vec<Vec<String>> = names
            .iter()
            .map(|name| meant(&KNOWN, name).map(|one| format!("CAP_{one}")).collect())
            .collect();
        move |change: &Change<'_>| {
            let lists = lists.iter().map(|list| format!("/process/capabilities/{list}"));
            let inside = lists.into_iter().any(|list| change.key_in(&list).is_some());
            let is_it = |known: &Vec<String>| known.iter().any(|one| change.value == one);
            let index = inside.then(|| each.iter().position(is_it)).flatten();
            let wanted = change.gone == (field == "drop");
            Some(match index.filter(|_| wanted) {
                Some(index) => {
                    Said::Set(Origin::option(format_args!("capabilities.{field}[{index}]")))
                }
                None => Said::Changed(Origin::option(format_args!("capabilities.{field}"))),
            })
        }
    });
}

/// Every capability that the host's kernel knows, as far as that is stated.
fn known(host: &HostFacts) -> &'static [Capability] {
    let last = host.last_capability.map_or(KNOWN.len(), |last| usize::from(last) + 1);
    KNOWN.get(..last).unwrap_or(&KNOWN)
}

/// The capabilities of a list of names, `CAP_` before them or not; `ALL` is all of `all`.
fn named(all: &[Capability], field: &str, names: &[String]) -> Result<Vec<Capability>, SpecError> {
    let mut found = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let before = found.len();
        found.extend(meant(all, name));
        if found.len() == before {
            let field = format!("options.capabilities.{field}[{index}]");
            return Err(SpecError::field(&field, format!("{name:?} is no capability")));
        }
    }
    Ok(found)
}

/// What a name stands for: `ALL` is all of `all`; nothing, where no kernel knows it.
fn meant(all: &[Capability], name: &str) -> impl Iterator<Item = Capability> {
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper).to_owned();
    let (every, of) = if bare == "ALL" { (true, all) } else { (false, KNOWN.as_slice()) };
    of.iter().copied().filter(move |one| every || one.to_string() == bare)
}

/// Gives every capability. containerd: `oci.WithAllKnownCapabilities`.
pub(super) fn give_all(host: &HostFacts, draft: &mut Draft) {
    for name in THREE {
        draft.capabilities.replace(name, known(host).to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_kernels() {
        assert_eq!(
            named(&KNOWN, "add", &["CAP_BPF".into(), "sys_admin".into()]).unwrap(),
            [Capability::Bpf, Capability::SysAdmin]
        );
        assert_eq!(named(&KNOWN, "add", &["ALL".into()]).unwrap(), KNOWN);
        assert!(named(&KNOWN, "add", &["CAP_NONSENSE".into()]).is_err());
    }

    #[test]
    fn all_ends_with_the_last_that_is_stated() {
        let host = |last_capability| HostFacts { last_capability, ..HostFacts::default() };
        assert_eq!(known(&host(None)), KNOWN);
        assert_eq!(known(&host(Some(37))).last(), Some(&Capability::AuditRead));
        assert_eq!(known(&host(Some(40))), KNOWN);
        assert_eq!(known(&host(Some(63))), KNOWN);
    }
}
