//! A container is created and run from the fields of an answer alone: nothing is computed, and no Any is read.

use crate::containerd::image::{busybox_with, within};
use crate::containerd::on_each_release;
use crate::containerd::serve::Served;
use crate::support::daemon::Daemon;
use crate::support::say::say;
use containerd_client::Client;
use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::snapshots::{
    PrepareSnapshotRequest, RemoveSnapshotRequest, StatSnapshotRequest,
};
use containerd_client::services::v1::{
    Container, CreateContainerRequest, CreateRequest, CreateTaskRequest, DeleteContainerRequest,
    DeleteRequest, DeleteTaskRequest, GetContainerRequest, StartRequest, WaitRequest,
};
use containerd_client::tonic::Status;
use containerd_client::types::Mount;
use specd::api::pb::specd as pb;
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAMESPACE: &str = "answer";
const NAME: &str = "docker.io/library/busybox:answer";

/// How long a container may run. It prints a line; machines are noisy.
const PATIENCE: Duration = Duration::from_secs(60);

fn request(id: &str, command: &[&str]) -> pb::GenerateRequest {
    let values = command.iter().map(ToString::to_string).collect();
    let command = Some(pb::StringList { values });
    let process = pb::ProcessOptions { command, ..Default::default() };
    pb::GenerateRequest {
        image: "busybox:answer".to_owned(),
        namespace: NAMESPACE.to_owned(),
        id: id.to_owned(),
        profile: "containerd".to_owned(),
        options: Some(pb::SpecOptions { process: Some(process), ..Default::default() }.into()),
        ..Default::default()
    }
}

/// A container of an answer, and what removes it.
struct Created {
    client: Client,
    id: String,
    snapshotter: String,
    mounts: Vec<Mount>,
    stdout: PathBuf,
    terminal: bool,
}

/// Prepares the snapshot and creates the container, under a lease.
async fn create(daemon: &Daemon, id: &str, answer: pb::GenerateResponse) -> Created {
    daemon.hold_control_group(NAMESPACE);
    let client = daemon.client().await;
    let pb::GenerateResponse { spec, container, image, .. } = answer;
    let pb::Container { labels, runtime, snapshot, terminal } = container.unwrap();
    let pb::ContainerRuntime { name, options, .. } = runtime.unwrap();
    let pb::ContainerSnapshot { snapshotter, parent, labels: snapshot_labels } = snapshot.unwrap();

    let lease = CreateRequest { id: id.to_owned(), labels: HashMap::new() };
    client.leases().create(within(NAMESPACE, lease)).await.unwrap();
    let mut prepare = within(
        NAMESPACE,
        PrepareSnapshotRequest {
            snapshotter: snapshotter.clone(),
            key: id.to_owned(),
            parent,
            labels: snapshot_labels.into_iter().collect(),
        },
    );
    prepare.metadata_mut().insert("containerd-lease", id.parse().unwrap());
    let mounts = client.snapshots().prepare(prepare).await.unwrap().into_inner().mounts;
    let container = Container {
        id: id.to_owned(),
        image: image.unwrap().name,
        labels: labels.into_iter().collect(),
        runtime: Some(Runtime { name, options }),
        spec,
        snapshotter: snapshotter.clone(),
        snapshot_key: id.to_owned(),
        ..Container::default()
    };
    let message = CreateContainerRequest { container: Some(container) };
    client.containers().create(within(NAMESPACE, message)).await.unwrap();
    let lease = DeleteRequest { id: id.to_owned(), sync: false };
    client.leases().delete(within(NAMESPACE, lease)).await.unwrap();

    let stdout = daemon.path(&format!("{id}.stdout"));
    std::fs::File::create(&stdout).unwrap();
    Created { client, id: id.to_owned(), snapshotter, mounts, stdout, terminal }
}

impl Created {
    /// Runs the task to its end: its exit status, and what it printed.
    async fn run(&self) -> Result<(u32, String), Status> {
        let container_id = self.id.clone();
        let mut tasks = self.client.tasks();
        let stdout = self.stdout.to_str().unwrap().to_owned();
        let create = CreateTaskRequest {
            container_id: container_id.clone(),
            rootfs: self.mounts.clone(),
            // A terminal has one stream only.
            stderr: if self.terminal { String::new() } else { stdout.clone() },
            stdout,
            terminal: self.terminal,
            ..CreateTaskRequest::default()
        };
        tasks.create(within(NAMESPACE, create)).await?;
        let start = StartRequest { container_id: container_id.clone(), exec_id: String::new() };
        tasks.start(within(NAMESPACE, start)).await?;
        let wait = WaitRequest { container_id: container_id.clone(), exec_id: String::new() };
        let waited = tokio::time::timeout(PATIENCE, tasks.wait(within(NAMESPACE, wait))).await;
        let status = waited.expect("the container does not end")?.into_inner().exit_status;
        tasks.delete(within(NAMESPACE, DeleteTaskRequest { container_id })).await?;
        Ok((status, std::fs::read_to_string(&self.stdout).unwrap()))
    }

    /// The labels that containerd has stored.
    async fn labels(&self) -> HashMap<String, String> {
        let get = GetContainerRequest { id: self.id.clone() };
        let stored = self.client.containers().get(within(NAMESPACE, get)).await.unwrap();
        stored.into_inner().container.unwrap().labels
    }

    /// The labels of the snapshot that containerd has stored.
    async fn snapshot_labels(&self) -> HashMap<String, String> {
        let (snapshotter, key) = (self.snapshotter.clone(), self.id.clone());
        let stat = within(NAMESPACE, StatSnapshotRequest { snapshotter, key });
        let stored = self.client.snapshots().stat(stat).await.unwrap();
        stored.into_inner().info.unwrap().labels
    }

    async fn remove(self) {
        let Self { client, id, snapshotter, .. } = self;
        // Before the container: without one, the garbage collection takes the snapshot.
        let remove = RemoveSnapshotRequest { snapshotter, key: id.clone() };
        client.snapshots().remove(within(NAMESPACE, remove)).await.unwrap();
        let delete = DeleteContainerRequest { id };
        client.containers().delete(within(NAMESPACE, delete)).await.unwrap();
    }
}

/// An image with labels, one of which a container must not get.
fn image() -> crate::containerd::image::Image {
    busybox_with(&serde_json::json!({
        "User": "app", "Cmd": ["id"], "StopSignal": "SIGQUIT",
        "Labels": {"org.example": "a", "containerd.io/gc.root": "x"},
    }))
}

/// An id of this run: runc's default directory for its state is the machine's.
fn id(daemon: &Daemon, name: &str) -> String {
    let release = if daemon.is_release_2() { 2 } else { 1 };
    format!("{name}-{}-{release}", std::process::id())
}

on_each_release! {
    async fn a_container_runs_from_what_is_answered(daemon: Daemon) {
        image().import(&daemon, NAMESPACE, NAME).await;
        let served = Served::start_with(&daemon, &["--snapshotter", "native"]).await;
        let mut client = served.client().await;

        let plain = id(&daemon, "plain");
        let answer = client.generate(request(&plain, &["id", "-u"])).await.unwrap().into_inner();
        let created = create(&daemon, &plain, answer).await;
        let labels = [("org.example", "a"), ("io.containerd.image.config.stop-signal", "SIGQUIT")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(created.labels().await, labels.into());
        assert_eq!(created.run().await.unwrap(), (0, "1000\n".to_owned()));
        created.remove().await;

        let with_terminal = id(&daemon, "terminal");
        let mut request = request(&with_terminal, &["tty"]);
        let process = request.options.as_mut().unwrap().process.as_mut().unwrap();
        process.terminal = Some(true);
        let answer = client.generate(request).await.unwrap().into_inner();
        let created = create(&daemon, &with_terminal, answer).await;
        assert_eq!(created.run().await.unwrap(), (0, "/dev/pts/0\r\n".to_owned()));
        created.remove().await;
    }
}

on_each_release! {
    /// Without systemd on the machine, runc says so: the option has reached it.
    async fn a_unit_of_systemd_is_asked_of_the_runtime(daemon: Daemon) {
        image().import(&daemon, NAMESPACE, NAME).await;
        let served = Served::start_with(&daemon, &["--snapshotter", "native"]).await;
        let id = id(&daemon, "unit");
        let mut request = request(&id, &["id", "-u"]);
        let systemd = pb::SystemdCgroup {
            slice: "system.slice".to_owned(),
            prefix: "specd".to_owned(),
            name: String::new(),
        };
        let kind = Some(pb::cgroup_options::Kind::Systemd(systemd));
        request.options.as_mut().unwrap().cgroup = Some(pb::CgroupOptions { kind });
        let answer = served.client().await.generate(request).await.unwrap().into_inner();
        let created = create(&daemon, &id, answer).await;
        let ran = created.run().await;
        if Path::new("/run/systemd/system").is_dir() {
            assert_eq!(ran.unwrap(), (0, "1000\n".to_owned()));
        } else {
            let refused = ran.unwrap_err();
            assert!(refused.message().contains("systemd not running on this host"), "{refused}");
        }
        created.remove().await;
    }
}

on_each_release! {
    async fn a_snapshot_for_mapped_ids_says_which(daemon: Daemon) {
        image().import(&daemon, NAMESPACE, NAME).await;
        let served = Served::start_with(&daemon, &["--snapshotter", "native"]).await;
        let id = id(&daemon, "mapped");
        let mut request = request(&id, &["id", "-u"]);
        let user_range = Some(pb::UserRange { host_id: 100_000, size: 65536 });
        let namespaces = pb::NamespaceOptions { user_range, ..Default::default() };
        request.options.as_mut().unwrap().namespaces = Some(namespaces);
        let answer = served.client().await.generate(request).await.unwrap().into_inner();
        let created = create(&daemon, &id, answer).await;
        let labels = created.snapshot_labels().await;
        for label in ["containerd.io/snapshot/uidmapping", "containerd.io/snapshot/gidmapping"] {
            assert_eq!(labels.get(label).map(String::as_str), Some("0:100000:65536"), "{label}");
        }
        created.remove().await;
    }
}

on_each_release! {
    /// With the labels of the answer, the container's root owns the files of the image and its own.
    async fn a_container_owns_the_files_of_an_id_mapped_snapshot(daemon: Daemon) {
        if !daemon.is_release_2() {
            return say("SKIPPED: an overlayfs snapshot with mapped ids: containerd maps them since 2.0");
        }
        // The container's root, another user on the host, needs a way to its files.
        std::fs::set_permissions(daemon.path(""), std::fs::Permissions::from_mode(0o711)).unwrap();
        image().import_for(&daemon, NAMESPACE, NAME, "overlayfs").await;
        let served = Served::start_with(&daemon, &["--snapshotter", "overlayfs"]).await;
        let id = id(&daemon, "owner");
        let mut request = request(&id, &["sh", "-c", "touch /new && ls -ln /bin/busybox /new"]);
        let user_range = Some(pb::UserRange { host_id: 100_000, size: 65536 });
        let options = request.options.as_mut().unwrap();
        options.namespaces = Some(pb::NamespaceOptions { user_range, ..Default::default() });
        let user = Some("0:0".to_owned());
        options.user = Some(pb::UserOptions { user, ..Default::default() });
        let answer = served.client().await.generate(request).await.unwrap().into_inner();
        let created = create(&daemon, &id, answer).await;
        let options: Vec<&String> = created.mounts.iter().flat_map(|mount| &mount.options).collect();
        if options.iter().any(|option| option.starts_with("uidmap=")) {
            let (status, printed) = created.run().await.unwrap();
            let owners = printed.lines().map(|line| line.split_whitespace().skip(2).take(2).collect());
            assert_eq!((status, owners.collect::<Vec<Vec<&str>>>()), (0, vec![vec!["0", "0"]; 2]), "{printed}");
        } else {
            say(&format!("SKIPPED: a container on an overlayfs snapshot with mapped ids: containerd does not map them here: {options:?}"));
        }
        created.remove().await;
    }
}
