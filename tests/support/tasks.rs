//! The service over one stored container, in process.

use crate::support::layout::Layout;
use async_trait::async_trait;
use specd::api::Service;
use specd::domain::host_facts::HostFacts;
use specd::domain::ids::{ContainerId, Namespace, Snapshotter};
use specd::generate::Generator;
use specd::image::StoreReader;
use specd::image::platform::Platform;
use specd::image::snapshot::key::SnapshotKey;
use specd::image::snapshot::{SnapshotFiles, SnapshotRules};
use specd::spec::Profiles;
use specd::store::{
    ContainerError, ContainerStore, Deadline, HeldSnapshot, ImageStore, Mount, SnapshotError,
    SnapshotHold, SnapshotStore, StoredContainer,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A service over one container with a directory as its root.
pub(crate) struct Tasks {
    pub(crate) service: Service,
    _root: tempfile::TempDir,
    _layout: Layout,
}

impl Tasks {
    /// The container, or none, and the account files in its root.
    pub(crate) fn new(
        container: Option<StoredContainer>,
        passwd: Option<&[u8]>,
        group: Option<&[u8]>,
    ) -> Self {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("fs");
        std::fs::create_dir_all(directory.join("etc")).unwrap();
        for (name, content) in [("passwd", passwd), ("group", group)] {
            if let Some(content) = content {
                std::fs::write(directory.join("etc").join(name), content).unwrap();
            }
        }
        let rules = SnapshotRules {
            root: Some(root.path().to_owned()),
            snapshotter: Snapshotter::parse("another").unwrap(),
            timeout: Duration::from_secs(60),
        };
        let snapshots = OneSnapshot { directory };
        let snapshots = SnapshotFiles::new(Arc::new(snapshots), rules);

        let layout = Layout::temp();
        let source: Arc<dyn ImageStore> = Arc::new(layout.source());
        let generator = Generator::new(
            Arc::clone(&source),
            Arc::new(StoreReader::new(source)),
            Profiles::built_in("function").unwrap(),
            Platform::new("linux", "amd64", ""),
            HostFacts { kernel: (6, 18), ..HostFacts::default() },
        )
        .with_containers(Arc::new(OneContainer(container)), Some(Arc::new(snapshots)));
        let service = Service::new(generator, Duration::from_secs(60));
        Self { service, _root: root, _layout: layout }
    }
}

/// Whatever the id, this container.
struct OneContainer(Option<StoredContainer>);

#[async_trait]
impl ContainerStore for OneContainer {
    async fn get(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        _: Deadline,
    ) -> Result<StoredContainer, ContainerError> {
        let absent = || ContainerError::NotFound { namespace: namespace.clone(), id: id.clone() };
        self.0.clone().ok_or_else(absent)
    }
}

/// One snapshot, by the snapshotter `native` under the key `root`.
struct OneSnapshot {
    directory: PathBuf,
}

struct Kept;

#[async_trait]
impl SnapshotHold for Kept {
    async fn release(self: Box<Self>) -> Result<(), SnapshotError> {
        Ok(())
    }
}

#[async_trait]
impl SnapshotStore for OneSnapshot {
    async fn hold(
        &self,
        _: &Namespace,
        snapshotter: &Snapshotter,
        key: &SnapshotKey,
        _: Deadline,
    ) -> Result<HeldSnapshot, SnapshotError> {
        if (snapshotter.as_str(), key.as_str()) != ("native", "root") {
            let (snapshotter, key) = (snapshotter.clone(), key.clone());
            return Err(SnapshotError::Absent { snapshotter, key });
        }
        let mount = Mount {
            kind: "bind".to_owned(),
            source: self.directory.display().to_string(),
            target: String::new(),
            options: Vec::new(),
        };
        Ok(HeldSnapshot { mounts: vec![mount], hold: Box::new(Kept) })
    }
}
