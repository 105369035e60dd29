//! Containers that run: what `GenerateProcess` answers is given unread to `Tasks.Exec`, and what
//! `GenerateResources` answers to `Tasks.Update`.

use crate::containerd::image::{Image, busybox};
use crate::containerd::on_each_release;
use crate::containerd::serve::Served;
use crate::containerd::task::{Ran, Running, Task, start};
use crate::support::daemon::Daemon;
use prost_types::Any;
use serde_json::Value;
use specd::api::pb::specd::{self as pb, SpecServiceClient};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

const NAMESPACE: &str = "execs";
const NAME: &str = "docker.io/library/busybox:exec";

/// What may take a fraction of a second may take this long on a machine under load.
const PATIENCE: Duration = Duration::from_secs(60);

/// Adds a user whom the image does not have, says so, and waits for the end.
const INIT: &str = "echo late:x:4000:4001::/:/bin/sh >> /etc/passwd; echo ready >&2; \
    trap 'exit 0' TERM; while :; do sleep 1; done";

fn list(values: &[&str]) -> Option<pb::StringList> {
    Some(pb::StringList { values: values.iter().map(ToString::to_string).collect() })
}

/// An id that no other container of this machine has: its control group is named after it.
fn unique_id() -> String {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    format!("web-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

/// A container that runs as root, started from what Generate answers.
async fn running(
    daemon: &Daemon,
    image: &Image,
    client: &mut SpecServiceClient<Channel>,
    id: &str,
) -> Running {
    let process = pb::ProcessOptions {
        entrypoint: list(&["sh", "-c", INIT]),
        env: vec!["MARK=own".to_owned()],
        ..Default::default()
    };
    let user = pb::UserOptions { user: Some("0:0".to_owned()), ..Default::default() };
    let options =
        pb::SpecOptions { process: Some(process), user: Some(user), ..Default::default() };
    let request = pb::GenerateRequest {
        image: NAME.to_owned(),
        namespace: NAMESPACE.to_owned(),
        id: id.to_owned(),
        profile: "containerd".to_owned(),
        options: Some(options.into()),
        ..Default::default()
    };
    let answer = client.generate(request).await.unwrap().into_inner();
    let chain_id = image.chain_id();
    let task = Task {
        namespace: NAMESPACE,
        id,
        image: NAME,
        chain_id: &chain_id,
        spec: answer.spec.unwrap(),
        terminal: false,
    };
    let running = start(daemon, &task).await;
    let begun = Instant::now();
    while running.stderr() != "ready\n" {
        assert!(begun.elapsed() < PATIENCE, "it does not start: {}", running.stderr());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running
}

fn exec(command: &str) -> pb::ExecOptions {
    let process =
        pb::ProcessOptions { command: list(&["sh", "-c", command]), ..Default::default() };
    pb::ExecOptions { process: Some(process), ..Default::default() }
}

fn user(user: &str) -> Option<pb::UserOptions> {
    Some(pb::UserOptions { user: Some(user.to_owned()), ..Default::default() })
}

async fn process(
    client: &mut SpecServiceClient<Channel>,
    id: &str,
    options: pb::ExecOptions,
) -> Result<pb::GenerateProcessResponse, Status> {
    let request = pb::GenerateProcessRequest {
        namespace: NAMESPACE.to_owned(),
        id: id.to_owned(),
        options: Some(options),
        ..Default::default()
    };
    client.generate_process(request).await.map(tonic::Response::into_inner)
}

async fn end(running: Running) -> Ran {
    running.terminate().await;
    running.wait().await
}

on_each_release! {
    async fn another_process_runs_as_it_was_asked_for(daemon: Daemon) {
        let (image, id) = (busybox(), unique_id());
        image.import(&daemon, NAMESPACE, NAME).await;
        let root = daemon.path("root").display().to_string();
        let served = Served::start_with(&daemon, &["--snapshot-root", &root]).await;
        let mut client = served.client().await;
        let running = running(&daemon, &image, &mut client, &id).await;

        // Like the container, except for the command.
        let answer = process(&mut client, &id, exec("id; pwd; echo $MARK $GREETING")).await.unwrap();
        assert_eq!(answer.warnings, Vec::<String>::new());
        let ran = running.exec(&daemon, "same", answer.process.unwrap(), false).await;
        assert_eq!(ran.stdout, "uid=0(root) gid=0(root) groups=0(root),2000(crew)\n/srv\nown hello there\n", "{ran:?}");

        // As a user of the image with its groups, elsewhere and with another environment.
        let mut options = exec("id; pwd; echo $MARK $GREETING; grep -E 'Cap(Eff|Bnd)' /proc/self/status; exit 3");
        options.user = user("app");
        let changes = options.process.as_mut().unwrap();
        changes.cwd = Some("/tmp".to_owned());
        changes.env = vec!["MARK=changed".to_owned(), "GREETING".to_owned()];
        let drop = vec!["ALL".to_owned()];
        options.capabilities = Some(pb::CapabilityOptions { drop, ..Default::default() });
        let answer = process(&mut client, &id, options).await.unwrap();
        let ran = running.exec(&daemon, "app", answer.process.unwrap(), false).await;
        let wanted = "uid=1000(app) gid=1000(app) groups=33(www-data),1000(app),2000(crew)\n/tmp\nchanged\n\
                      CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n";
        assert_eq!((ran.stdout.as_str(), ran.exit_status), (wanted, 3), "{ran:?}");

        // As one whom only the container knows.
        let options = pb::ExecOptions { user: user("late"), ..exec("id -u; id -g") };
        let answer = process(&mut client, &id, options).await.unwrap();
        let ran = running.exec(&daemon, "late", answer.process.unwrap(), false).await;
        assert_eq!(ran.stdout, "4000\n4001\n", "{ran:?}");

        // With a terminal.
        let mut options = exec("tty; echo $TERM");
        options.process.as_mut().unwrap().terminal = Some(true);
        let answer = process(&mut client, &id, options).await.unwrap();
        assert_eq!(
            answer.warnings,
            ["a terminal is attached: ExecProcessRequest.terminal must be true"]
        );
        let ran = running.exec(&daemon, "tty", answer.process.unwrap(), true).await;
        assert_eq!(ran.stdout, "/dev/pts/0\r\nxterm\r\n", "{ran:?}");
        assert_eq!(end(running).await.exit_status, 0);
    }
}

on_each_release! {
    async fn what_cannot_be_had_is_refused(daemon: Daemon) {
        let (image, id) = (busybox(), unique_id());
        image.import(&daemon, NAMESPACE, NAME).await;
        let root = daemon.path("root").display().to_string();
        let served = Served::start_with(&daemon, &["--snapshot-root", &root]).await;
        let blind = Served::start(&daemon).await;
        let mut client = served.client().await;
        let refused = |status: &Status, code, reason: &str| {
            assert_eq!(status.code(), code, "{status}");
            assert_eq!(status.get_details_error_info().unwrap().reason, reason, "{status}");
        };
        let status = process(&mut client, &id, exec("id")).await.unwrap_err();
        refused(&status, Code::NotFound, "CONTAINER_NOT_FOUND");

        let running = running(&daemon, &image, &mut client, &id).await;
        let ghost = pb::ExecOptions { user: user("ghost"), ..exec("id") };
        let status = process(&mut client, &id, ghost).await.unwrap_err();
        refused(&status, Code::InvalidArgument, "USER_NOT_FOUND");

        // Numbers need no snapshot, a name does.
        let mut blind = blind.client().await;
        let numbers = pb::ExecOptions { user: user("5:6"), ..exec("id") };
        let answer = process(&mut blind, &id, numbers).await.unwrap();
        let ran = running.exec(&daemon, "numbers", answer.process.unwrap(), false).await;
        assert_eq!(ran.stdout, "uid=5 gid=6 groups=6\n", "{ran:?}");
        let named = pb::ExecOptions { user: user("app"), ..exec("id") };
        let status = process(&mut blind, &id, named).await.unwrap_err();
        refused(&status, Code::FailedPrecondition, "SNAPSHOT_UNREADABLE");
        end(running).await;
        let status = process(&mut client, &id, exec("id")).await.unwrap_err();
        refused(&status, Code::NotFound, "CONTAINER_NOT_FOUND");
    }
}

on_each_release! {
    async fn the_command_line_prints_what_the_server_answers(daemon: Daemon) {
        let (image, id) = (busybox(), unique_id());
        image.import(&daemon, NAMESPACE, NAME).await;
        let root = daemon.path("root").display().to_string();
        let served = Served::start_with(&daemon, &["--snapshot-root", &root]).await;
        let mut client = served.client().await;
        let running = running(&daemon, &image, &mut client, &id).await;
        let options = pb::ExecOptions { user: user("app"), ..exec("id") };
        let answer = process(&mut client, &id, options).await.unwrap().process.unwrap();
        let wanted: Value = serde_json::from_slice(&answer.value).unwrap();

        let socket = daemon.socket().display().to_string();
        let here = ["--containerd", &socket, "--snapshot-root", &root];
        for asked in [&here[..], &["--server", served.address()]] {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_specd"));
            command.args(["process", &id, "--namespace", NAMESPACE, "--user", "app"]).args(asked);
            command.args(["--", "sh", "-c", "id"]);
            let ran = tokio::task::block_in_place(|| command.output()).unwrap();
            assert!(ran.status.success(), "{ran:?}");
            assert_eq!(serde_json::from_slice::<Value>(&ran.stdout).unwrap(), wanted);
        }
        end(running).await;
    }
}

/// A file of the control group that a process is in: of version 1 by its controller, or of version 2.
fn cgroup_file(pid: u32, controller: &str, first: &str, second: &str) -> String {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        controllers.split(',').any(|one| one == controller).then(|| path.to_owned())
    });
    let file = match path {
        Some(path) => format!("/sys/fs/cgroup/{controller}{path}/{first}"),
        None => {
            let path = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap();
            format!("/sys/fs/cgroup{path}/{second}")
        }
    };
    std::fs::read_to_string(file).unwrap().trim().to_owned()
}

async fn limits(client: &mut SpecServiceClient<Channel>, resources: pb::ResourceOptions) -> Any {
    let options = Some(pb::UpdateOptions { resources: Some(resources) });
    let request = pb::GenerateResourcesRequest { options, ..Default::default() };
    client.generate_resources(request).await.unwrap().into_inner().resources.unwrap()
}

on_each_release! {
    async fn limits_take_effect_in_a_container_that_runs(daemon: Daemon) {
        let (image, id) = (busybox(), unique_id());
        image.import(&daemon, NAMESPACE, NAME).await;
        let served = Served::start(&daemon).await;
        let mut client = served.client().await;
        let running = running(&daemon, &image, &mut client, &id).await;
        let pids = || cgroup_file(running.pid, "pids", "pids.max", "pids.max");
        let memory = || cgroup_file(running.pid, "memory", "memory.limit_in_bytes", "memory.max");
        assert_eq!(pids(), "max");

        let pids_limit = Some(37);
        let memory_limit = pb::MemoryResources { limit: Some(64 << 20), ..Default::default() };
        let resources = pb::ResourceOptions {
            pids_limit,
            memory: Some(memory_limit),
            ..Default::default()
        };
        running.update(limits(&mut client, resources).await).await;
        assert_eq!((pids(), memory()), ("37".to_owned(), (64 << 20).to_string()));

        // What is absent stays.
        let resources = pb::ResourceOptions { pids_limit: Some(38), ..Default::default() };
        running.update(limits(&mut client, resources).await).await;
        assert_eq!((pids(), memory()), ("38".to_owned(), (64 << 20).to_string()));
        end(running).await;
    }
}
