//! From an Any to a process that ran: the calls of any containerd client, in their order.

use crate::containerd::image::within;
use crate::support::daemon::{Daemon, SNAPSHOTTER};
use containerd_client::Client;
use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::snapshots::{PrepareSnapshotRequest, RemoveSnapshotRequest};
use containerd_client::services::v1::{
    Container, CreateContainerRequest, CreateTaskRequest, DeleteContainerRequest,
    DeleteProcessRequest, DeleteTaskRequest, ExecProcessRequest, KillRequest, StartRequest,
    UpdateTaskRequest, WaitRequest,
};
use prost::Message;
use prost_types::Any;
use rustix::process::Signal;
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// How long a container may run. It prints a few lines; machines are noisy.
const PATIENCE: Duration = Duration::from_secs(60);

const RUNTIME: &str = "io.containerd.runc.v2";

/// containerd's options for runc, as far as they are set here.
#[derive(Clone, PartialEq, Message)]
struct RuncOptions {
    #[prost(string, tag = "6")]
    binary_name: String,
    #[prost(string, tag = "7")]
    root: String,
    #[prost(bool, tag = "9")]
    systemd_cgroup: bool,
}

/// A container to be run once.
#[derive(Debug, Clone)]
pub(crate) struct Task<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) id: &'a str,
    /// The stored name; containerd keeps it and does not look at it.
    pub(crate) image: &'a str,
    /// The snapshot below the container's own.
    pub(crate) chain_id: &'a str,
    /// The specification, unread.
    pub(crate) spec: Any,
    /// Whether the specification says so too.
    pub(crate) terminal: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) exit_status: u32,
    pub(crate) stdout: String,
    /// Nothing where there was a terminal, which has one stream only.
    pub(crate) stderr: String,
}

/// Creates a container, runs it to its end and removes all of it.
///
/// What a failure leaves behind goes with the daemon.
pub(crate) async fn run(daemon: &Daemon, task: &Task<'_>) -> Ran {
    start(daemon, task).await.wait().await
}

/// A container that runs.
pub(crate) struct Running {
    client: Client,
    namespace: String,
    id: String,
    output: Output,
    /// Its process, as the host numbers it.
    pub(crate) pid: u32,
}

/// Creates a container and starts it.
pub(crate) async fn start(daemon: &Daemon, task: &Task<'_>) -> Running {
    daemon.hold_control_group(task.namespace);
    let client = daemon.client().await;
    let id = task.id.to_owned();

    // Between the two calls nothing but the label keeps the snapshot.
    let prepare = PrepareSnapshotRequest {
        snapshotter: SNAPSHOTTER.to_owned(),
        key: id.clone(),
        parent: task.chain_id.to_owned(),
        labels: HashMap::from([("containerd.io/gc.root".to_owned(), "now".to_owned())]),
    };
    let prepared = client.snapshots().prepare(within(task.namespace, prepare)).await.unwrap();

    let options = RuncOptions {
        binary_name: "runc".to_owned(),
        root: daemon.runc_root().to_str().unwrap().to_owned(),
        systemd_cgroup: false,
    };
    let options =
        Any { type_url: "containerd.runc.v1.Options".to_owned(), value: options.encode_to_vec() };
    let container = Container {
        id: id.clone(),
        image: task.image.to_owned(),
        runtime: Some(Runtime { name: RUNTIME.to_owned(), options: Some(options.clone()) }),
        spec: Some(task.spec.clone()),
        snapshotter: SNAPSHOTTER.to_owned(),
        snapshot_key: id.clone(),
        ..Container::default()
    };
    let create = CreateContainerRequest { container: Some(container) };
    client.containers().create(within(task.namespace, create)).await.unwrap();

    let output = Output::new(daemon, &format!("{}.{}", task.namespace, task.id));
    let create = CreateTaskRequest {
        container_id: id.clone(),
        rootfs: prepared.into_inner().mounts,
        stdout: output.stdout.to_str().unwrap().to_owned(),
        stderr: output.stderr_unless(task.terminal),
        terminal: task.terminal,
        options: Some(options),
        ..CreateTaskRequest::default()
    };
    let mut tasks = client.tasks();
    tasks.create(within(task.namespace, create)).await.unwrap();
    let start = StartRequest { container_id: id.clone(), exec_id: String::new() };
    let pid = tasks.start(within(task.namespace, start)).await.unwrap().into_inner().pid;
    Running { client, namespace: task.namespace.to_owned(), id, output, pid }
}

impl Running {
    /// Asks it to end, as any runtime does first.
    pub(crate) async fn terminate(&self) {
        let signal = u32::try_from(Signal::TERM.as_raw()).unwrap();
        let kill = KillRequest { container_id: self.id.clone(), signal, ..KillRequest::default() };
        self.client.tasks().kill(within(&self.namespace, kill)).await.unwrap();
    }

    /// Runs another process in it to its end, as the Any says, which is passed on unread.
    pub(crate) async fn exec(
        &self,
        daemon: &Daemon,
        exec_id: &str,
        process: Any,
        terminal: bool,
    ) -> Ran {
        let output = Output::new(daemon, &format!("{}.{}.{exec_id}", self.namespace, self.id));
        let (container_id, exec_id) = (self.id.clone(), exec_id.to_owned());
        let mut tasks = self.client.tasks();
        let exec = ExecProcessRequest {
            container_id: container_id.clone(),
            exec_id: exec_id.clone(),
            terminal,
            stdin: String::new(),
            stdout: output.stdout.to_str().unwrap().to_owned(),
            stderr: output.stderr_unless(terminal),
            spec: Some(process),
        };
        tasks.exec(within(&self.namespace, exec)).await.unwrap();
        let start = StartRequest { container_id: container_id.clone(), exec_id: exec_id.clone() };
        tasks.start(within(&self.namespace, start)).await.unwrap();
        let wait = WaitRequest { container_id: container_id.clone(), exec_id: exec_id.clone() };
        let waited = tasks.wait(within(&self.namespace, wait));
        let exit = tokio::time::timeout(PATIENCE, waited).await;
        let exit = exit.expect("the process does not end").unwrap().into_inner();
        let delete = DeleteProcessRequest { container_id, exec_id };
        tasks.delete_process(within(&self.namespace, delete)).await.unwrap();
        output.ran(exit.exit_status)
    }

    /// Gives it other limits, as the Any says, which is passed on unread.
    pub(crate) async fn update(&self, resources: Any) {
        let update = UpdateTaskRequest {
            container_id: self.id.clone(),
            resources: Some(resources),
            ..UpdateTaskRequest::default()
        };
        self.client.tasks().update(within(&self.namespace, update)).await.unwrap();
    }

    /// What it has written to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.output.stderr).unwrap_or_default()
    }

    /// Waits for its end and removes all of it.
    pub(crate) async fn wait(self) -> Ran {
        let Self { client, namespace, id, output, .. } = self;
        let mut tasks = client.tasks();
        let wait = WaitRequest { container_id: id.clone(), exec_id: String::new() };
        let waited = tasks.wait(within(&namespace, wait));
        let exit = tokio::time::timeout(PATIENCE, waited).await;
        let exit = exit.expect("the container does not end").unwrap().into_inner();

        // Only now has the shim written all that the process printed.
        let delete = DeleteTaskRequest { container_id: id.clone() };
        tasks.delete(within(&namespace, delete)).await.unwrap();
        // Before the container: without one, the garbage collection takes the snapshot.
        let remove = RemoveSnapshotRequest { snapshotter: SNAPSHOTTER.to_owned(), key: id.clone() };
        client.snapshots().remove(within(&namespace, remove)).await.unwrap();
        let delete = DeleteContainerRequest { id };
        client.containers().delete(within(&namespace, delete)).await.unwrap();
        output.ran(exit.exit_status)
    }
}

/// Files for what the process prints. The shim appends to whatever path it is given.
struct Output {
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Output {
    fn new(daemon: &Daemon, name: &str) -> Self {
        let file = |stream: &str| {
            let path = daemon.path(&format!("{name}.{stream}"));
            File::create(&path).unwrap();
            path
        };
        Self { stdout: file("stdout"), stderr: file("stderr") }
    }

    fn stderr_unless(&self, terminal: bool) -> String {
        if terminal { String::new() } else { self.stderr.to_str().unwrap().to_owned() }
    }

    fn ran(&self, exit_status: u32) -> Ran {
        let read = |path| std::fs::read_to_string(path).unwrap();
        Ran { exit_status, stdout: read(&self.stdout), stderr: read(&self.stderr) }
    }
}
