//! Nodes without image layers: account files from snapshots, on each available snapshotter.

use crate::containerd::image::{Image, busybox, within};
use crate::containerd::on_each_release;
use crate::containerd::serve::Served;
use crate::containerd::slow::Slow;
use crate::containerd::stacks::{Found, STACKS};
use crate::support::daemon::Daemon;
use crate::support::say::say;
use containerd_client::services::v1::snapshots::{
    ListSnapshotsRequest, MountsRequest, PrepareSnapshotRequest, RemoveSnapshotRequest,
    StatSnapshotRequest,
};
use containerd_client::services::v1::{
    CreateRequest, DeleteContentRequest, DeleteRequest, ListRequest,
};
use specd::api::pb::specd::{GenerateRequest, SpecServiceClient};
use specd::domain::ids::{Namespace, Snapshotter};
use specd::image::platform::Platform;
use specd::image::reference::ImageName;
use specd::image::snapshot::key::{SnapshotChoice, SnapshotKey};
use specd::image::snapshot::{SnapshotFallback, SnapshotFiles, SnapshotRules};
use specd::image::{AccountFiles, ImageError, ImageReader, NeededFiles, StoreReader};
use specd::store::containerd::Containerd;
use specd::store::{Deadline, ImageStore, SnapshotStore};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_types::StatusExt;

const NAME: &str = "docker.io/library/app:gone";
const SNAPSHOTTERS: [&str; 2] = ["native", "overlayfs"];

/// What takes a fraction of a second may take this long on a machine under load.
const PATIENCE: Duration = Duration::from_secs(60);

/// Long enough for a test to step in between two answers.
const SLOW: Duration = Duration::from_millis(700);

const PASSWD: NeededFiles = NeededFiles { passwd: true, group: false };
const GROUP: NeededFiles = NeededFiles { passwd: false, group: true };

/// The snapshotters that the daemon has; those that it lacks are said.
async fn snapshotters(daemon: &Daemon) -> Vec<&'static str> {
    let mut found = Vec::new();
    for snapshotter in SNAPSHOTTERS {
        let stat = StatSnapshotRequest { snapshotter: snapshotter.to_owned(), key: "x".to_owned() };
        let answer = daemon.client().await.snapshots().stat(within("probe", stat)).await;
        if answer.unwrap_err().code() == Code::NotFound {
            found.push(snapshotter);
        } else {
            say(&format!("SKIPPED: snapshots of {snapshotter}: containerd cannot have any here"));
        }
    }
    found
}

async fn discard_layers(daemon: &Daemon, namespace: &str, image: &Image) {
    let client = daemon.client().await;
    for layer in &image.layers {
        let delete = DeleteContentRequest { digest: layer.blob.digest.clone() };
        client.content().delete(within(namespace, delete)).await.unwrap();
    }
}

/// Has containerd collect what nobody keeps.
async fn collect(daemon: &Daemon) {
    let mut leases = daemon.client().await.leases();
    let create = CreateRequest { id: "collect".to_owned(), labels: HashMap::new() };
    leases.create(within("collect", create)).await.unwrap();
    let delete = DeleteRequest { id: "collect".to_owned(), sync: true };
    leases.delete(within("collect", delete)).await.unwrap();
}

async fn leases(daemon: &Daemon, namespace: &str) -> Vec<String> {
    let list = within(namespace, ListRequest::default());
    let answer = daemon.client().await.leases().list(list).await.unwrap();
    answer.into_inner().leases.into_iter().map(|lease| lease.id).collect()
}

async fn views(daemon: &Daemon, namespace: &str, snapshotter: &str) -> Vec<String> {
    let list = ListSnapshotsRequest { snapshotter: snapshotter.to_owned(), ..Default::default() };
    let answer = daemon.client().await.snapshots().list(within(namespace, list)).await;
    let (mut answer, mut names) = (answer.unwrap().into_inner(), Vec::new());
    while let Some(part) = answer.message().await.unwrap() {
        names.extend(part.info.into_iter().map(|info| info.name));
    }
    names.retain(|name| name.starts_with("specd-"));
    names
}

/// The directories of all snapshots of all namespaces.
fn directories(daemon: &Daemon, snapshotter: &str) -> BTreeSet<PathBuf> {
    let snapshots = format!("root/io.containerd.snapshotter.v1.{snapshotter}/snapshots");
    let entries = std::fs::read_dir(daemon.path(&snapshots)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "not yet: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn over(daemon: &Daemon, snapshots: &Path, snapshotter: &str) -> SnapshotFallback<StoreReader> {
    let rules = SnapshotRules {
        root: Some(daemon.path("root")),
        snapshotter: Snapshotter::parse(snapshotter).unwrap(),
        timeout: PATIENCE,
    };
    let layers = StoreReader::new(Arc::new(Containerd::new(daemon.socket())));
    let files = SnapshotFiles::new(Arc::new(Containerd::new(snapshots)), rules);
    SnapshotFallback::new(layers, Arc::new(files))
}

async fn read(
    daemon: &Daemon,
    namespace: &str,
    reader: &dyn ImageReader,
    needed: NeededFiles,
) -> Result<Arc<AccountFiles>, ImageError> {
    let namespace = Namespace::parse(namespace).unwrap();
    let source = Containerd::new(daemon.socket());
    let name = ImageName::parse(NAME).unwrap();
    let target = source.resolve(&namespace, &name, Deadline::NONE).await.unwrap().target;
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let platform = Platform::new("linux", architecture, "");
    let image = reader.describe(&namespace, &target, &platform, Deadline::NONE).await.unwrap();
    reader
        .read_account_files(&namespace, &image, needed, &SnapshotChoice::default(), Deadline::NONE)
        .await
}

fn agree(files: &Result<Arc<AccountFiles>, ImageError>, wanted: Found, what: &str) {
    let found = files.as_ref().map(|files| files.passwd.as_ref().or(files.group.as_ref()));
    match (found, wanted) {
        (Ok(Some(bytes)), Found::Text(text)) => assert_eq!(bytes, text, "{what}"),
        (Ok(None), Found::Absent) | (Err(ImageError::File { .. }), Found::Refused) => {}
        _ => panic!("{what}: {files:?} is not {wanted:?}"),
    }
}

on_each_release! {
    async fn layers_and_snapshots_give_the_same_answer(daemon: Daemon) {
        for snapshotter in snapshotters(&daemon).await {
            for stack in STACKS {
                let namespace = format!("{snapshotter}-{}", stack.name);
                let image = stack.image();
                image.import_for(&daemon, &namespace, NAME, snapshotter).await;
                let layers = StoreReader::new(Arc::new(Containerd::new(daemon.socket())));
                let unpacked = over(&daemon, &daemon.socket(), snapshotter);
                let mut answers = Vec::new();
                let (passwd, group) = stack.in_snapshot_of(snapshotter);
                for (needed, found, in_snapshot) in [(PASSWD, stack.passwd, passwd), (GROUP, stack.group, group)] {
                    let answer = read(&daemon, &namespace, &layers, needed).await;
                    agree(&answer, found, &format!("layers of {namespace}"));
                    answers.push((needed, (found == in_snapshot).then_some(answer), in_snapshot));
                }
                discard_layers(&daemon, &namespace, &image).await;
                let before = directories(&daemon, snapshotter);
                for (needed, same, in_snapshot) in answers {
                    let answer = read(&daemon, &namespace, &unpacked, needed).await;
                    agree(&answer, in_snapshot, &format!("snapshot of {namespace}"));
                    if let Some(same) = same {
                        assert_eq!(answer, same, "{namespace}");
                    }
                }
                assert_eq!(leases(&daemon, &namespace).await, [""; 0]);
                assert_eq!(views(&daemon, &namespace, snapshotter).await, [""; 0]);
                collect(&daemon).await;
                assert_eq!(directories(&daemon, snapshotter), before, "{namespace}");
            }
        }
    }
}

fn request(namespace: &str, snapshotter: &str, key: &str) -> GenerateRequest {
    GenerateRequest {
        image: NAME.to_owned(),
        namespace: namespace.to_owned(),
        id: "gone-1".to_owned(),
        profile: "containerd-2.4".to_owned(),
        snapshotter: snapshotter.to_owned(),
        snapshot_key: key.to_owned(),
        ..Default::default()
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

/// The user of an answer, and its groups.
fn user(answer: &specd::api::pb::specd::GenerateResponse) -> serde_json::Value {
    let spec: serde_json::Value =
        serde_json::from_slice(&answer.spec.as_ref().unwrap().value).unwrap();
    spec["process"]["user"].clone()
}

on_each_release! {
    async fn the_labels_of_a_namespace_are_its_defaults(daemon: Daemon) {
        let (image, namespace) = (busybox(), "labelled");
        image.import_for(&daemon, namespace, NAME, "native").await;
        discard_layers(&daemon, namespace, &image).await;
        let root = daemon.path("root").display().to_string();
        let flags = ["--snapshot-root", root.as_str(), "--snapshotter", "overlayfs"];
        let ask = async || {
            // A server for each, since it remembers.
            let served = Served::start_with(&daemon, &flags).await;
            served.client().await.generate(request(namespace, "", "")).await
        };
        let absent = ask().await.unwrap_err();
        assert!(absent.message().contains("snapshotter overlayfs has no snapshot"), "{absent}");
        let label = |name, value| {
            let label = format!("containerd.io/defaults/{name}={value}");
            daemon.ctr(namespace, &["namespaces", "label", namespace, &label]);
        };
        label("snapshotter", "native");
        label("runtime", "io.containerd.example.v1");
        let answer = ask().await.unwrap().into_inner();
        assert_eq!(user(&answer)["uid"], 1000);
        let container = answer.container.unwrap();
        assert_eq!(container.snapshot.unwrap().snapshotter, "native");
        assert_eq!(container.runtime.unwrap().name, "io.containerd.example.v1");
    }
}

on_each_release! {
    async fn the_service_answers_the_same_once_the_layers_are_gone(daemon: Daemon) {
        let image = busybox();
        let root = daemon.path("root").display().to_string();
        for snapshotter in snapshotters(&daemon).await {
            image.import_for(&daemon, snapshotter, NAME, snapshotter).await;
            // A server for each, since it remembers.
            let with_layers = Served::start_with(&daemon, &["--snapshotter", snapshotter]).await;
            let want = with_layers.client().await.generate(request(snapshotter, "", "")).await.unwrap().into_inner();
            assert_eq!(user(&want)["uid"], 1000);
            drop(with_layers);
            discard_layers(&daemon, snapshotter, &image).await;

            let flags = ["--snapshot-root", root.as_str(), "--snapshotter", snapshotter];
            let served = Served::start_with(&daemon, &flags).await;
            let got = served.client().await.generate(request(snapshotter, "", "")).await.unwrap().into_inner();
            assert_eq!(got, want, "{snapshotter}");
            drop(served);
            let served = Served::start_with(&daemon, &["--snapshot-root", &root]).await;
            let got = served.client().await.generate(request(snapshotter, snapshotter, "")).await.unwrap();
            assert_eq!(got.into_inner(), want, "{snapshotter}");

            let odd = served.client().await.generate(request(snapshotter, "absent", "")).await.unwrap_err();
            assert_eq!((odd.code(), reason(&odd)), (Code::FailedPrecondition, "BLOB_ABSENT".to_owned()));
            drop(served);
            assert_eq!(leases(&daemon, snapshotter).await, [""; 0]);
            assert_eq!(views(&daemon, snapshotter, snapshotter).await, [""; 0]);
        }
    }
}

on_each_release! {
    async fn without_a_snapshot_root_the_answer_says_what_to_set(daemon: Daemon) {
        let image = busybox();
        image.import(&daemon, "gone", NAME).await;
        discard_layers(&daemon, "gone", &image).await;
        let served = Served::start(&daemon).await;
        let status = served.client().await.generate(request("gone", "native", "")).await.unwrap_err();
        assert_eq!((status.code(), reason(&status)), (Code::FailedPrecondition, "BLOB_ABSENT".to_owned()));
        let digest = &image.layers[1].blob.digest;
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.metadata.get("digest"), Some(digest));
        for words in [digest.as_str(), "probably discarded after it was unpacked", "--snapshot-root"] {
            assert!(status.message().contains(words), "{words}: {}", status.message());
        }
        let status = served.client().await.generate(request("gone", "native", "any")).await.unwrap_err();
        assert_eq!(reason(&status), "SNAPSHOT_UNREADABLE");
        drop(served);

        // Nothing was unpacked by this one.
        let root = daemon.path("root").display().to_string();
        let served = Served::start_with(&daemon, &["--snapshot-root", &root]).await;
        if snapshotters(&daemon).await.contains(&"overlayfs") {
            let status = served.client().await.generate(request("gone", "", "")).await.unwrap_err();
            assert_eq!(reason(&status), "BLOB_ABSENT");
            let words = format!("snapshotter overlayfs has no snapshot {}", image.chain_id());
            assert!(status.message().contains(&words), "{}", status.message());
        }
        // Numbers need no file.
        let mut numbers = request("gone", "", "");
        let options = numbers.options.get_or_insert_default();
        options.user.get_or_insert_default().user = Some("7:8".to_owned());
        numbers.profile = String::new();
        assert_eq!(user(&served.client().await.generate(numbers).await.unwrap().into_inner())["uid"], 7);
    }
}

/// A container's own snapshot, and the directory that it writes to.
async fn prepare(
    daemon: &Daemon,
    namespace: &str,
    snapshotter: &str,
    key: &str,
    parent: &str,
) -> PathBuf {
    let prepare = PrepareSnapshotRequest {
        snapshotter: snapshotter.to_owned(),
        key: key.to_owned(),
        parent: parent.to_owned(),
        labels: HashMap::from([("containerd.io/gc.root".to_owned(), "now".to_owned())]),
    };
    let mut client = daemon.client().await.snapshots();
    client.prepare(within(namespace, prepare)).await.unwrap();
    let mounts = MountsRequest { snapshotter: snapshotter.to_owned(), key: key.to_owned() };
    let mounts = client.mounts(within(namespace, mounts)).await.unwrap().into_inner().mounts;
    let upper = mounts[0].options.iter().find_map(|option| option.strip_prefix("upperdir="));
    PathBuf::from(upper.unwrap_or(&mounts[0].source))
}

on_each_release! {
    async fn users_come_from_the_snapshot_that_is_named(daemon: Daemon) {
        let image = busybox();
        let root = daemon.path("root").display().to_string();
        let served = Served::start_with(&daemon, &["--snapshot-root", &root]).await;
        let mut client = served.client().await;
        for snapshotter in snapshotters(&daemon).await {
            image.import_for(&daemon, snapshotter, NAME, snapshotter).await;
            let written = prepare(&daemon, snapshotter, snapshotter, "ctr/1", &image.chain_id()).await;
            let unchanged = client.generate(request(snapshotter, snapshotter, "ctr/1")).await.unwrap().into_inner();
            assert_eq!(unchanged, client.generate(request(snapshotter, snapshotter, "")).await.unwrap().into_inner());

            std::fs::create_dir_all(written.join("etc")).unwrap();
            for uid in [4321, 4322] {
                let line = format!("app:x:{uid}:4000::/:/bin/sh\n");
                std::fs::write(written.join("etc/passwd"), line).unwrap();
                let changed = client.generate(request(snapshotter, snapshotter, "ctr/1")).await.unwrap().into_inner();
                let user = user(&changed);
                assert_eq!((&user["uid"], &user["gid"]), (&uid.into(), &4000.into()), "{user}");
            }
            // The image's own are what they were, by its name and by its snapshot's.
            for key in ["", &image.chain_id()] {
                let own = client.generate(request(snapshotter, snapshotter, key)).await.unwrap().into_inner();
                assert_eq!(user(&own)["uid"], 1000, "{key}");
            }

            let absent = client.generate(request(snapshotter, snapshotter, "ctr/2")).await.unwrap_err();
            assert_eq!((absent.code(), reason(&absent)), (Code::NotFound, "SNAPSHOT_NOT_FOUND".to_owned()));
            assert_eq!(absent.get_details_error_info().unwrap().metadata["key"], "ctr/2");
            assert_eq!(leases(&daemon, snapshotter).await, [""; 0]);
            assert_eq!(views(&daemon, snapshotter, snapshotter).await, [""; 0]);
        }
    }
}

on_each_release! {
    async fn a_snapshot_that_is_removed_while_it_is_read_is_not_believed(daemon: Daemon) {
        let image = busybox();
        image.import(&daemon, "gone", NAME).await;
        prepare(&daemon, "gone", "native", "ctr/1", &image.chain_id()).await;
        let source = Containerd::new(daemon.socket());
        let (namespace, native) = (Namespace::parse("gone").unwrap(), Snapshotter::parse("native").unwrap());
        let key = SnapshotKey::parse("ctr/1").unwrap();
        let held = source.hold(&namespace, &native, &key, Deadline::NONE).await.unwrap();
        assert_eq!(held.hold.release().await, Ok(()));

        let held = source.hold(&namespace, &native, &key, Deadline::NONE).await.unwrap();
        let mut client = daemon.client().await.snapshots();
        let remove = || RemoveSnapshotRequest { snapshotter: "native".to_owned(), key: "ctr/1".to_owned() };
        client.remove(within("gone", remove())).await.unwrap();
        assert!(held.hold.release().await.is_err());
        prepare(&daemon, "gone", "native", "ctr/1", &image.chain_id()).await;
        let held = source.hold(&namespace, &native, &key, Deadline::NONE).await.unwrap();
        client.remove(within("gone", remove())).await.unwrap();
        prepare(&daemon, "gone", "native", "ctr/1", &image.chain_id()).await;
        assert!(held.hold.release().await.is_err(), "another one under the same key");
    }
}

on_each_release! {
    async fn a_call_that_is_cut_off_leaves_nothing(daemon: Daemon) {
        let image = busybox();
        image.import(&daemon, "gone", NAME).await;
        discard_layers(&daemon, "gone", &image).await;
        let before = directories(&daemon, "native");
        let daemon = Arc::new(daemon);
        let slow = Slow::start(daemon.path("slow.sock"), daemon.socket(), 0, SLOW);
        let reader = over(&daemon, slow.socket(), "native");
        let reading = tokio::spawn({
            let daemon = Arc::clone(&daemon);
            async move { read(&daemon, "gone", &reader, PASSWD).await }
        });
        // The view is there, and its maker has not heard of it yet.
        until("a view", async || !views(&daemon, "gone", "native").await.is_empty()).await;
        assert_eq!(leases(&daemon, "gone").await.len(), 1);
        reading.abort();
        assert!(reading.await.unwrap_err().is_cancelled());
        until("no view", async || views(&daemon, "gone", "native").await.is_empty()).await;
        until("no lease", async || leases(&daemon, "gone").await.is_empty()).await;
        collect(&daemon).await;
        assert_eq!(directories(&daemon, "native"), before);
    }
}

/// The program, with nothing of it in the environment.
fn specd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specd"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SPECD_")) {
        command.env_remove(name);
    }
    command
}

on_each_release! {
    async fn the_command_line_reads_snapshots_too(daemon: Daemon) {
        let image = busybox();
        image.import(&daemon, "gone", NAME).await;
        discard_layers(&daemon, "gone", &image).await;
        let written = prepare(&daemon, "gone", "native", "ctr/1", &image.chain_id()).await;
        std::fs::write(written.join("etc/passwd"), "app:x:4321:4000::/:/bin/sh\n").unwrap();
        let root = daemon.path("root").display().to_string();
        let socket = daemon.socket().display().to_string();
        for (more, uid) in [(&[][..], 1000), (&["--snapshot-key", "ctr/1"], 4321)] {
            let generate = ["generate", NAME, "--namespace", "gone", "--containerd", &socket];
            let snapshots = ["--snapshotter", "native", "--snapshot-root", &root];
            let said = specd().args(generate).args(snapshots).args(more).output().unwrap();
            let text = String::from_utf8_lossy(&said.stderr);
            assert_eq!(said.status.code(), Some(0), "{text}");
            let spec: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
            assert_eq!(spec["process"]["user"]["uid"], uid);
        }
        assert_eq!(leases(&daemon, "gone").await, [""; 0]);
        assert_eq!(views(&daemon, "gone", "native").await, [""; 0]);
    }
}

/// A process that ends with this.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

on_each_release! {
    async fn a_server_that_is_killed_leaves_what_its_lease_ends(daemon: Daemon) {
        let image = busybox();
        let snapshotter = *snapshotters(&daemon).await.last().unwrap();
        image.import_for(&daemon, "gone", NAME, snapshotter).await;
        discard_layers(&daemon, "gone", &image).await;
        collect(&daemon).await;
        let before = directories(&daemon, snapshotter);

        // The connection for images is the first, the one for snapshots the second.
        let slow = Slow::start(daemon.path("slow.sock"), daemon.socket(), 1, SLOW);
        let address = format!("unix://{}", daemon.path("killed.sock").display());
        let mut command = specd();
        command.args(["serve", "--listen", &address, "--containerd"]).arg(slow.socket());
        command.args(["--snapshotter", snapshotter, "--snapshot-timeout", "5s", "--snapshot-root"]);
        command.arg(daemon.path("root")).stdin(Stdio::null()).stderr(Stdio::null());
        let mut server = Process(command.spawn().unwrap());
        let endpoint = Endpoint::from_shared(address).unwrap();
        until("a server", async || endpoint.connect().await.is_ok()).await;
        let asking = tokio::spawn(async move {
            let channel = endpoint.connect().await.unwrap();
            SpecServiceClient::new(channel).generate(request("gone", "", "")).await
        });
        until("a view", async || !views(&daemon, "gone", snapshotter).await.is_empty()).await;
        server.0.kill().unwrap();
        server.0.wait().unwrap();
        assert!(asking.await.unwrap().is_err());

        // Its lease keeps the view for as long as a reader may take.
        collect(&daemon).await;
        assert_eq!(views(&daemon, "gone", snapshotter).await.len(), 1);
        assert_eq!(leases(&daemon, "gone").await.len(), 1);
        until("the end of the lease", async || {
            collect(&daemon).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            views(&daemon, "gone", snapshotter).await.is_empty()
        })
        .await;
        assert_eq!(leases(&daemon, "gone").await, [""; 0]);
        collect(&daemon).await;
        assert_eq!(directories(&daemon, snapshotter), before);
    }
}
