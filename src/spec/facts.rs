//! What containerd's requests repeat of a finished spec.

use crate::oci::{Linux, Spec};
use crate::spec::snapshot_labels::snapshot_labels;
use std::collections::BTreeMap;

/// What containerd's requests repeat of a finished spec.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpecFacts {
    /// Whether a terminal is attached.
    pub terminal: bool,
    /// Whether the control group is a unit of systemd, which the runtime has an option for.
    pub systemd_cgroup: bool,
    /// The labels of the snapshot.
    pub snapshot_labels: BTreeMap<String, String>,
}

impl SpecFacts {
    /// The facts of a spec, whatever set its fields.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        Self {
            terminal: spec.process.as_ref().is_some_and(|process| process.terminal),
            systemd_cgroup: spec.linux.as_ref().is_some_and(is_systemd_cgroup),
            snapshot_labels: snapshot_labels(spec),
        }
    }
}

/// Whether the control group's path is `slice:prefix:name`.
///
/// runc: "expected cgroupsPath to be of format".
fn is_systemd_cgroup(linux: &Linux) -> bool {
    let path = &linux.cgroups_path;
    !path.starts_with('/') && path.split(':').count() == 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_of_systemd_is_known_by_its_form() {
        for (path, is_unit) in [
            ("system.slice:specd:web-1", true),
            (":specd:web-1", true),
            ("-.slice::web-1", true),
            ("/default/web-1", false),
            ("/system.slice:specd:web-1", false),
            ("system.slice:specd", false),
            ("", false),
        ] {
            let linux = Linux { cgroups_path: path.to_owned(), ..Linux::default() };
            let facts = SpecFacts::of(&Spec { linux: Some(linux), ..Spec::default() });
            assert_eq!(facts.systemd_cgroup, is_unit, "{path}");
        }
        assert_eq!(SpecFacts::of(&Spec::default()), SpecFacts::default());
    }
}
