//! The labels of a snapshot that tell the snapshotter which ids the container has.

use crate::oci::{IdMapping, Linux, Spec};
use std::collections::BTreeMap;

/// The user ids. containerd: `snapshots.LabelSnapshotUIDMapping`.
const UIDS: &str = "containerd.io/snapshot/uidmapping";

/// The group ids. containerd: `snapshots.LabelSnapshotGIDMapping`.
const GIDS: &str = "containerd.io/snapshot/gidmapping";

/// The labels for `Snapshots.Prepare` of a spec. The list is empty unless the spec has a private user namespace that
/// maps users and groups: the mappings of a joined one are not known.
///
/// containerd: `client.WithUserNSRemapperLabels`, `client.WithRemapperLabels`.
pub(super) fn snapshot_labels(spec: &Spec) -> BTreeMap<String, String> {
    let Some(linux) = spec.linux.as_ref().filter(|linux| maps_ids(linux)) else {
        return BTreeMap::new();
    };
    [(UIDS, &linux.uid_mappings), (GIDS, &linux.gid_mappings)]
        .map(|(label, mappings)| (label.to_owned(), text(mappings)))
        .into()
}

fn maps_ids(linux: &Linux) -> bool {
    let Linux { namespaces, uid_mappings, gid_mappings, .. } = linux;
    let private = namespaces.iter().any(|one| one.kind == "user" && one.path.is_empty());
    private && !uid_mappings.is_empty() && !gid_mappings.is_empty()
}

/// Each mapping as `container:host:size`. containerd: `userns.IDMap.Marshal`.
fn text(mappings: &[IdMapping]) -> String {
    let one = |it: &IdMapping| format!("{}:{}:{}", it.container_id, it.host_id, it.size);
    mappings.iter().map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::json;
    use serde_json::{Value, json};

    fn labels(namespaces: &Value, uids: &Value, gids: &Value) -> Vec<(String, String)> {
        let linux = json!({"namespaces": namespaces, "uidMappings": uids, "gidMappings": gids});
        let spec = json::from_value(json!({"ociVersion": "1.2.0", "linux": linux})).unwrap();
        snapshot_labels(&spec).into_iter().collect()
    }

    #[test]
    fn mappings_are_in_the_form_of_containerd() {
        let namespaces = json!([{"type": "mount"}, {"type": "user"}]);
        let uids = json!([
            {"containerID": 0, "hostID": 100_000, "size": 1000},
            {"containerID": 1000, "hostID": 5, "size": 1},
        ]);
        let gids = json!([{"containerID": 0, "hostID": 200_000, "size": 65536}]);
        let want = [(GIDS, "0:200000:65536"), (UIDS, "0:100000:1000,1000:5:1")];
        let want = want.map(|(label, text)| (label.to_owned(), text.to_owned()));
        assert_eq!(labels(&namespaces, &uids, &gids), want);
    }

    #[test]
    fn without_mappings_of_its_own_a_container_has_no_labels() {
        let ids = || json!([{"containerID": 0, "hostID": 1, "size": 1}]);
        for (namespaces, uids, gids) in [
            (json!([{"type": "mount"}]), ids(), ids()),
            (json!([{"type": "user", "path": "/proc/1/ns/user"}]), ids(), ids()),
            (json!([{"type": "user"}]), ids(), json!([])),
            (json!([{"type": "user"}]), json!([]), json!([])),
        ] {
            assert_eq!(labels(&namespaces, &uids, &gids), []);
        }
        assert_eq!(snapshot_labels(&Spec::default()), BTreeMap::new());
    }
}
