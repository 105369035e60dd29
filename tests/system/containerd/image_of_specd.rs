//! The image that `make image` wrote, imported as an operator would and run by specs that specd answers for it.
//!
//! It is looked for where `make image` puts it; which sources it was made from is not known here. Where it is not
//! there a test says SKIPPED, and with `SPECD_REQUIRE_IMAGE=1` it fails.

use crate::containerd::on_each_release;
use crate::containerd::serve::Served;
use crate::containerd::task::{Running, Task, start};
use crate::support::daemon::Daemon;
use crate::support::say::say;
use rustix::fs::{Gid, Mode, Uid, chmod, chown};
use serde_json::{Value, json};
use specd::api::pb::specd::{
    GenerateRequest, GenerateResponse, Mount, MountOptions, ProcessOptions, RootOptions, SERVICE,
    SpecOptions, SpecServiceClient, StringList, UserOptions,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tonic::transport::{Channel, Endpoint};

const NAMESPACE: &str = "specd-itself";

/// The image's own user and group.
const SPECD: u32 = 65532;

/// How long a server may take to serve. It takes milliseconds; machines are noisy.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `make image` wrote.
struct Built {
    directory: PathBuf,
    index: Value,
}

impl Built {
    /// The image, if it was built.
    fn find() -> Option<Self> {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let directory = target.join("image");
        let Ok(index) = std::fs::read(directory.join("layout/index.json")) else {
            let why = format!("no image in {}: make image writes it", directory.display());
            let required = std::env::var_os("SPECD_REQUIRE_IMAGE").is_some_and(|v| v == "1");
            assert!(!required, "{why}");
            say(&format!("SKIPPED: the container image's own tests: {why}"));
            return None;
        };
        Some(Self { directory, index: serde_json::from_slice(&index).unwrap() })
    }

    fn layout(&self) -> PathBuf {
        self.directory.join("layout")
    }

    fn annotation(&self, key: &str) -> String {
        self.index["manifests"][0]["annotations"][key].as_str().unwrap().to_owned()
    }

    /// What containerd calls it.
    fn name(&self) -> String {
        self.annotation("io.containerd.image.name")
    }

    fn blob(&self, descriptor: &Value) -> Value {
        let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        let bytes = std::fs::read(self.layout().join("blobs/sha256").join(digest)).unwrap();
        assert_eq!(bytes.len(), descriptor["size"], "{digest}");
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Gives the tar to the release's own `ctr`, which checks every digest and unpacks.
    fn import(&self, daemon: &Daemon) {
        let tag = self.annotation("org.opencontainers.image.ref.name");
        let tar = self.directory.join(format!("specd-{tag}.tar"));
        let mut import =
            vec!["image", "import", "--snapshotter", crate::support::daemon::SNAPSHOTTER];
        if daemon.is_release_2() {
            // In the client, because the daemon is not configured to unpack for this snapshotter.
            import.push("--local");
        }
        import.push(tar.to_str().unwrap());
        daemon.ctr(NAMESPACE, &import);
    }
}

fn bind(source: &Path, destination: &str, writable: &str) -> Mount {
    Mount {
        destination: destination.to_owned(),
        r#type: "bind".to_owned(),
        source: source.to_str().unwrap().to_owned(),
        options: vec!["bind".to_owned(), writable.to_owned()],
        ..Mount::default()
    }
}

/// A specd in a container, with a directory of the host for its socket.
struct Contained {
    running: Running,
    socket: PathBuf,
    answer: GenerateResponse,
}

impl Contained {
    /// Asks specd for the spec of its own image, and runs that.
    async fn start(
        daemon: &Daemon,
        built: &Built,
        id: &str,
        (user, flags, mount): (Option<&str>, &[&str], Mount),
    ) -> Self {
        let directory = daemon.path(id);
        std::fs::create_dir(&directory).unwrap();
        chown(&directory, Some(Uid::from_raw(SPECD)), Some(Gid::from_raw(SPECD))).unwrap();
        let socket = directory.join("specd.sock");

        let mut command = vec!["serve", "--listen", "unix:///run/specd/specd.sock"];
        command.extend(flags);
        let values = command.iter().map(ToString::to_string).collect();
        let options = SpecOptions {
            process: Some(ProcessOptions {
                command: Some(StringList { values }),
                ..ProcessOptions::default()
            }),
            user: user
                .map(|user| UserOptions { user: Some(user.to_owned()), ..UserOptions::default() }),
            root: Some(RootOptions { readonly: Some(true), ..RootOptions::default() }),
            mounts: Some(MountOptions {
                add: vec![bind(&directory, "/run/specd", "rw"), mount],
                ..MountOptions::default()
            }),
            ..SpecOptions::default()
        };
        let request = GenerateRequest {
            image: built.name(),
            namespace: NAMESPACE.to_owned(),
            id: id.to_owned(),
            profile: "containerd".to_owned(),
            options: Some(options.into()),
            ..GenerateRequest::default()
        };
        let served = Served::start(daemon).await;
        let answer = served.client().await.generate(request).await.unwrap().into_inner();
        let (image, container) = (answer.image.clone().unwrap(), answer.container.clone().unwrap());
        let task = Task {
            namespace: NAMESPACE,
            id,
            image: &image.name,
            chain_id: &container.snapshot.unwrap().parent,
            spec: answer.spec.clone().unwrap(),
            terminal: false,
        };
        Self { running: start(daemon, &task).await, socket, answer }
    }

    fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    async fn client(&self) -> SpecServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(self.address()).unwrap();
        SpecServiceClient::new(endpoint.connect().await.unwrap())
    }

    /// What `specd health` says from outside, of the server or of one service.
    fn health(&self, service: &str) -> String {
        let mut health = Command::new(env!("CARGO_BIN_EXE_specd"));
        health.args(["health", "--server", &self.address(), "--service", service]);
        let said = health.output().unwrap();
        String::from_utf8_lossy(&said.stdout).trim_end().to_owned()
    }

    /// Waits until it says so, and tells how long that took.
    async fn wait_until(&self, service: &str, wanted: &str) -> Duration {
        let begun = Instant::now();
        loop {
            let said = self.health(service);
            if said == wanted {
                return begun.elapsed();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{service:?} is {said:?}, not {wanted}; it wrote:\n{}",
                self.running.stderr()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A line of the process's status.
    fn status(&self, key: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{key}:"))).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// SIGTERM to what is process 1 in there: it must end well and leave no socket.
    async fn stop(self) {
        self.running.terminate().await;
        let ran = self.running.wait().await;
        assert_eq!((ran.exit_status, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
        assert!(!self.socket.exists(), "the socket is left");
    }
}

/// The most memory of an idle server that is not shared with others, and what each CPU adds, in KiB.
const IDLE_KIB: usize = 4 << 10;
const CPU_KIB: usize = 256;

#[test]
fn the_image_says_what_it_is() {
    let Some(built) = Built::find() else { return };
    let [image, referrer] = built.index["manifests"].as_array().unwrap().as_slice() else {
        panic!("{}", built.index);
    };
    let manifest = built.blob(image);
    let config = built.blob(&manifest["config"]);
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["config"]["Env"], json!(["MIMALLOC_DISALLOW_ARENA_ALLOC=1"]));
    assert_eq!(config["config"]["Entrypoint"], json!(["/specd"]));
    assert_eq!(config["config"]["Cmd"], json!(["serve"]));
    assert_eq!(config["config"]["Labels"], manifest["annotations"]);
    let label = |key: &str| &manifest["annotations"][format!("org.opencontainers.image.{key}")];
    assert_eq!(label("title"), "specd");
    assert_eq!(label("licenses"), env!("CARGO_PKG_LICENSE"));
    assert_eq!(label("created"), &config["created"]);

    let bill = built.blob(referrer);
    assert_eq!(bill["subject"]["digest"], image["digest"]);
    let bill = built.blob(&bill["layers"][0]);
    assert_eq!(bill["bomFormat"], "CycloneDX");
    let parts = bill["components"].as_array().unwrap();
    let scope = |name: &str| {
        let part = parts.iter().find(|part| part["name"] == name);
        part.map(|part| part["scope"].as_str().unwrap())
    };
    assert_eq!(scope("tonic"), Some("required"));
    assert_eq!(scope("protox"), Some("excluded"), "a part of the build");
    assert_eq!(scope("proptest"), None, "a part of the tests");
}

on_each_release! {
    async fn the_image_serves_as_its_own_user(daemon: Daemon) {
        let Some(built) = Built::find() else { return };
        built.import(&daemon);
        let layout = bind(&built.layout(), "/layout", "ro");
        let begun = Instant::now();
        let flags = ["--oci-layout", "/layout"];
        let contained = Contained::start(&daemon, &built, "own", (None, &flags, layout)).await;
        let created = begun.elapsed();
        let serving = contained.wait_until(SERVICE, "SERVING").await;
        assert_eq!(contained.status("Uid"), "65532 65532 65532 65532");
        assert_eq!(contained.status("Gid"), "65532 65532 65532 65532");
        assert_eq!(contained.status("CapEff"), "0000000000000000");
        assert_eq!(contained.status("Seccomp").len(), 1);
        let own = contained.status("RssAnon");
        say(&format!(
            "the image's container: {created:?} to a started task (spec, snapshot and runc with it), then {serving:?} to SERVING; \
             resident {} of which its own {own}",
            contained.status("VmRSS"),
        ));
        let own: usize = own.trim_end_matches(" kB").parse().unwrap();
        let cpus = std::thread::available_parallelism().unwrap().get();
        assert!(own < IDLE_KIB + cpus * CPU_KIB, "an idle server has {own} KiB of its own");
        probe(&contained);

        // It answers for the image that it came in, as the one outside did.
        let request = GenerateRequest {
            image: built.annotation("org.opencontainers.image.ref.name"),
            namespace: NAMESPACE.to_owned(),
            id: "again".to_owned(),
            profile: "containerd".to_owned(),
            ..GenerateRequest::default()
        };
        let answer = contained.client().await.generate(request).await.unwrap().into_inner();
        assert_eq!(answer.image.unwrap().config_digest, contained.answer.image.clone().unwrap().config_digest);
        assert_eq!(answer.container.unwrap().snapshot, contained.answer.container.clone().unwrap().snapshot);
        contained.stop().await;
    }
}

/// What most probes in manifests are.
fn probe(contained: &Contained) {
    let probe = Command::new("grpc-health-probe")
        .args(["-addr", &contained.address(), "-service", SERVICE])
        .output();
    let Ok(said) = probe else {
        say("SKIPPED: the image's container by grpc-health-probe: it is not on the PATH");
        return;
    };
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && text.contains("status: SERVING"), "{text}");
}

on_each_release! {
    async fn containerds_socket_is_reached_by_its_group_and_not_by_the_images_own(daemon: Daemon) {
        let Some(built) = Built::find() else { return };
        built.import(&daemon);
        // As /run/containerd is on a node: a directory that all may pass, with a socket of root's group.
        chmod(daemon.path(""), Mode::from_raw_mode(0o711)).unwrap();
        let flags = ["--containerd", "/run/containerd/c.sock"];
        let containerd = || bind(&daemon.path(""), "/run/containerd", "rw");

        let own = Contained::start(&daemon, &built, "own", (None, &flags, containerd())).await;
        own.wait_until("liveness", "SERVING").await;
        assert_eq!(own.health(SERVICE), "NOT_SERVING");
        own.stop().await;

        let group = (Some("65532:0"), &flags[..], containerd());
        let group = Contained::start(&daemon, &built, "group", group).await;
        group.wait_until(SERVICE, "SERVING").await;
        probe(&group);
        let request = GenerateRequest {
            image: built.name(),
            namespace: NAMESPACE.to_owned(),
            id: "again".to_owned(),
            profile: "containerd".to_owned(),
            ..GenerateRequest::default()
        };
        let answer = group.client().await.generate(request).await.unwrap().into_inner();
        assert_eq!(answer.image, group.answer.image);
        group.stop().await;
    }
}
