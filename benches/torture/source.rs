//! Attacks on what the server needs: containerd, the way to it, and the images and snapshots in it.

use crate::arena::{Arena, Containerd, NAMESPACE};
use crate::calls::{Answers, GENERATE, call, name};
use crate::honest::{becomes, code_name, request};
use crate::row::{Found, Row, Rules, STRICT, TYPED, time};
use crate::support::daemon::{Daemon, Release, SNAPSHOTTER};
use crate::support::layout::{Gzip, IMAGE, Layout, file};
use containerd_client::services::v1::{GetImageRequest, Image, UpdateImageRequest};
use containerd_client::types::Descriptor;
use prost::Message;
use rustix::process::Signal;
use serde_json::json;
use specd::api::pb::specd::{GenerateRequest, GenerateResponse, SpecServiceClient};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use tonic::Request;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "containerd-killed",
        what: "containerd is killed and started again, five times",
        prepare: |stage| stage.containerd = Some(Containerd::Directly),
        attack: |arena| Box::pin(killed(arena)),
        rules: TYPED,
    },
    Row {
        name: "containerd-stopped",
        what: "containerd is stopped by SIGSTOP",
        prepare: |stage| stage.containerd = Some(Containerd::Directly),
        attack: |arena| Box::pin(stopped(arena)),
        rules: TYPED,
    },
    Row {
        name: "faulty-proxy",
        what: "a proxy before containerd delays, stalls, cuts, drops, repeats and alters what containerd answers",
        prepare: |stage| {
            stage.containerd = Some(Containerd::Proxied);
            stage.seconds = stage.seconds.max(2 * FAULTS.len() as u64);
        },
        attack: |arena| Box::pin(faulty_proxy(arena)),
        rules: Rules { errors: FAULTY, ..TYPED },
    },
    Row {
        name: "retag",
        what: "a tag moves between two images 100 times a second, with 8 callers",
        prepare: |stage| {
            stage.containerd = Some(Containerd::Directly);
            tag(&mut stage.layout, "one", "1001");
            tag(&mut stage.layout, "two", "1002");
            tag(&mut stage.layout, "moving", "1001");
        },
        attack: |arena| Box::pin(retag(arena)),
        rules: STRICT,
    },
    Row {
        name: "garbage-collection",
        what: "an image is removed, collected and imported again, with 8 callers",
        prepare: |stage| {
            stage.containerd = Some(Containerd::Directly);
            tag(&mut stage.layout, "moving", "1001");
        },
        attack: |arena| Box::pin(garbage_collection(arena)),
        rules: STRICT,
    },
    Row {
        name: "renamed-snapshot",
        what: "in a snapshot that 8 callers name, /etc changes between a directory and a link to another one of the host",
        prepare: |stage| {
            stage.containerd = Some(Containerd::Directly);
            stage.flag(&["--snapshot-root", "/tmp"]);
            tag(&mut stage.layout, "moving", "1001");
        },
        attack: |arena| Box::pin(renamed_snapshot(arena)),
        rules: STRICT,
    },
    Row {
        name: "namespaces",
        what: "16 callers ask for the honest image, warm as it is, in a namespace that does not have it",
        prepare: |stage| stage.containerd = Some(Containerd::Directly),
        attack: |arena| Box::pin(namespaces(arena)),
        rules: STRICT,
    },
];

/// Codes that honest calls may end with behind a proxy that alters bytes.
const FAULTY: &[&str] = &[
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "FAILED_PRECONDITION",
    "DATA_LOSS",
    "RESOURCE_EXHAUSTED",
];

/// The name of an image of a row.
fn named(name: &str) -> String {
    format!("registry.example/{name}:1")
}

/// An image with the user app, which has a uid.
fn tag(layout: &mut Layout, name: &str, uid: &str) {
    let passwd = format!("root:x:0:0::/:/bin/sh\napp:x:{uid}:{uid}::/:/bin/sh\n");
    let layer = layout.layer(Gzip, &[file("etc/passwd", passwd), file("etc/group", "root:x:0:\n")]);
    let image = layout.image(json!({"config": {"User": "app", "Cmd": ["x"]}}), &[layer]);
    layout.tag(&named(name), &image.manifest.platform("linux/amd64"));
}

/// A real containerd with the images of a layout.
pub(crate) async fn containerd_with(layout: &Layout) -> Result<Daemon, String> {
    let daemon = Daemon::start(Release::Two).await;
    let daemon = daemon.ok_or("containerd 2 cannot be started, see above")?;
    import(&daemon, layout);
    Ok(daemon)
}

fn import(daemon: &Daemon, layout: &Layout) {
    let archive = daemon.path("images.tar");
    let mut builder = tar::Builder::new(std::fs::File::create(&archive).unwrap());
    builder.append_dir_all(".", layout.root()).unwrap();
    builder.finish().unwrap();
    let archive = archive.display().to_string();
    let import = ["images", "import", "--local", "--all-platforms", "--no-unpack", &archive];
    daemon.ctr(NAMESPACE, &import);
}

/// The time within which readiness must follow containerd.
const READINESS: Duration = Duration::from_secs(2);

/// How long the program waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until readiness has turned, and says how long that took beyond what is allowed.
async fn ready(arena: &Arena, ready: bool) -> Result<Duration, String> {
    let service = "specd.v1.SpecService";
    let what = if ready { "back" } else { "gone" };
    match becomes(&arena.port(), service, ready, PATIENCE).await {
        Some(took) if took <= READINESS => Ok(took),
        Some(took) => {
            Err(format!("containerd is {what}, and readiness turns after {}", time(Some(took))))
        }
        None => Err(format!("containerd is {what}, and readiness does not turn")),
    }
}

async fn killed(arena: Arc<Arena>) -> Found {
    let mut daemon = arena.daemon.as_ref().unwrap().lock().await;
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        daemon.kill();
        ready(&arena, false).await?;
        daemon.start_again().await;
        slowest = slowest.max(ready(&arena, true).await?);
    }
    Ok(format!("ready again after {} at most", time(Some(slowest))))
}

/// How long a call may take when health says that containerd is gone.
const FAST: Duration = Duration::from_millis(250);

async fn stopped(arena: Arc<Arena>) -> Found {
    let daemon = arena.daemon.as_ref().unwrap().lock().await;
    daemon.signal(Signal::STOP);
    let turned = ready(&arena, false).await;
    let mut slowest = Duration::ZERO;
    let mut answers = Answers::default();
    for _ in 0..20 {
        let started = Instant::now();
        let message = request(IMAGE, NAMESPACE).encode_to_vec();
        let asked = call(arena.channel(), GENERATE, message.into());
        match tokio::time::timeout(Duration::from_secs(3), asked).await {
            Ok(answer) => answers.count(name(&answer)),
            Err(_) => answers.count("given up".to_owned()),
        }
        slowest = slowest.max(started.elapsed());
        if slowest > FAST {
            break;
        }
    }
    daemon.signal(Signal::CONT);
    let back = ready(&arena, true).await;
    let turned = turned?;
    if slowest > FAST {
        return Err(format!(
            "calls wait {} while health says that containerd is gone: {answers}",
            time(Some(slowest))
        ));
    }
    if answers.of("UNAVAILABLE") != answers.all() {
        return Err(format!("while containerd is stopped: {answers}"));
    }
    Ok(format!(
        "not ready after {}, calls fail after {} at most, ready again after {}",
        time(Some(turned)),
        time(Some(slowest)),
        time(Some(back?))
    ))
}

/// What a proxy does with the bytes that containerd sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Delays,
    Stalls,
    Cuts,
    Drops,
    Repeats,
    Alters,
}

const FAULTS: [Fault; 6] =
    [Fault::Delays, Fault::Stalls, Fault::Cuts, Fault::Drops, Fault::Repeats, Fault::Alters];

/// A way to containerd that can be at fault.
pub(crate) struct Proxy {
    fault: Arc<std::sync::Mutex<Fault>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Serves a socket that leads to another one.
    pub(crate) fn start(at: &Path, to: PathBuf) -> Self {
        let listener = UnixListener::bind(at).unwrap();
        let fault = Arc::new(std::sync::Mutex::new(Fault::None));
        let accepting = tokio::spawn({
            let fault = Arc::clone(&fault);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(pass(client, to.clone(), Arc::clone(&fault)));
                }
            }
        });
        Self { fault, accepting }
    }

    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(client: UnixStream, to: PathBuf, fault: Arc<std::sync::Mutex<Fault>>) {
    let Ok(daemon) = UnixStream::connect(to).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_daemon, mut to_daemon) = daemon.into_split();
    let asked = async move { tokio::io::copy(&mut from_client, &mut to_daemon).await.map(drop) };
    let answered = async move {
        let mut chunk = vec![0; 16 << 10];
        let mut random = fastrand::Rng::new();
        loop {
            let count = from_daemon.read(&mut chunk).await?;
            if count == 0 {
                return Ok::<_, std::io::Error>(());
            }
            let bytes = &mut chunk[..count];
            let now = *fault.lock().unwrap();
            match now {
                Fault::None => {}
                Fault::Delays => tokio::time::sleep(Duration::from_millis(50)).await,
                Fault::Stalls => tokio::time::sleep(Duration::from_secs(2)).await,
                Fault::Cuts => {
                    to_client.write_all(&bytes[..count / 2]).await?;
                    return Ok(());
                }
                Fault::Drops => continue,
                Fault::Repeats => to_client.write_all(bytes).await?,
                Fault::Alters => bytes[random.usize(..count)] ^= 1 << random.u8(..8),
            }
            to_client.write_all(bytes).await?;
        }
    };
    tokio::select! {
        _ = asked => {}
        _ = answered => {}
    }
}

async fn faulty_proxy(arena: Arc<Arena>) -> Found {
    let proxy = arena.proxy.as_ref().unwrap();
    let each = Duration::from_secs(arena.seconds) / u32::try_from(FAULTS.len()).unwrap();
    for fault in FAULTS {
        proxy.set(fault);
        tokio::time::sleep(each).await;
    }
    proxy.set(Fault::None);
    let back = becomes(&arena.port(), "specd.v1.SpecService", true, PATIENCE).await;
    let back = back.ok_or("the server does not recover")?;
    let seen = arena.notes.seen(crate::honest::Phase::During);
    Ok(format!(
        "{} faults, ready again after {}; honest calls ended with {:?}",
        FAULTS.len(),
        time(Some(back)),
        seen.errors
    ))
}

/// Callers of one image that check each answer, until the attack ends.
async fn checked(
    arena: &Arc<Arena>,
    request: GenerateRequest,
    check: fn(Result<GenerateResponse, tonic::Status>) -> Result<String, String>,
) -> JoinSet<Result<Answers, String>> {
    let until = arena.until();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (channel, request) = (arena.channel(), request.clone());
        tasks.spawn(async move {
            let mut answers = Answers::default();
            while Instant::now() < until {
                let mut asked = Request::new(request.clone());
                asked.set_timeout(Duration::from_secs(5));
                let answer = SpecServiceClient::new(channel.clone()).generate(asked).await;
                answers.count(check(answer.map(tonic::Response::into_inner))?);
            }
            Ok(answers)
        });
    }
    tasks
}

async fn joined(mut tasks: JoinSet<Result<Answers, String>>) -> Result<Answers, String> {
    let mut all = Answers::default();
    while let Some(answers) = tasks.join_next().await {
        all.add(answers.unwrap()?);
    }
    Ok(all)
}

/// The uid of the process in a spec.
fn uid(response: GenerateResponse) -> Option<u64> {
    let spec: serde_json::Value = serde_json::from_slice(&response.spec?.value).ok()?;
    spec["process"]["user"]["uid"].as_u64()
}

/// A request to containerd in the namespace of the images.
fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("containerd-namespace", NAMESPACE.parse().unwrap());
    request
}

async fn retag(arena: Arc<Arena>) -> Found {
    let daemon = arena.daemon.as_ref().unwrap().lock().await;
    let mut images = daemon.client().await.images();
    let mut targets: Vec<Descriptor> = Vec::new();
    for name in ["one", "two"] {
        let image = images.get(within(GetImageRequest { name: named(name) })).await;
        let image = image.map_err(|error| error.to_string())?.into_inner();
        targets.extend(image.image.and_then(|image| image.target));
    }
    let callers = checked(&arena, request(&named("moving"), NAMESPACE), |answer| {
        let found = answer.map(uid).map_err(|status| format!("{status}"))?;
        match found {
            Some(1001 | 1002) => Ok(format!("uid {}", found.unwrap_or_default())),
            other => Err(format!("uid {other:?}")),
        }
    })
    .await;
    let until = arena.until();
    let mut moved = 0;
    while Instant::now() < until || moved % 2 == 1 {
        let image = Image {
            name: named("moving"),
            target: targets.get(moved % 2).cloned(),
            ..Default::default()
        };
        let update = UpdateImageRequest { image: Some(image), ..Default::default() };
        let updated = images.update(within(update)).await;
        updated.map_err(|error| format!("containerd: {error}"))?;
        moved += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let answers = joined(callers).await?;
    // It stands on the second one now, for every new call.
    let mut client = SpecServiceClient::new(arena.channel());
    let answer = client.generate(request(&named("moving"), NAMESPACE)).await;
    let last =
        answer.map(|answer| uid(answer.into_inner())).map_err(|status| status.to_string())?;
    if last != Some(1002) {
        return Err(format!("after the last move: uid {last:?}"));
    }
    if answers.0.len() < 2 {
        return Err(format!("only one of the images was answered: {answers}"));
    }
    Ok(format!("{moved} moves; {answers}"))
}

async fn garbage_collection(arena: Arc<Arena>) -> Found {
    let daemon = arena.daemon.as_ref().unwrap().lock().await;
    let callers = checked(&arena, request(&named("moving"), NAMESPACE), |answer| match answer {
        Ok(response) => match uid(response) {
            Some(1001) => Ok("OK".to_owned()),
            other => Err(format!("uid {other:?}")),
        },
        Err(status) => match code_name(status.code()).as_str() {
            name @ ("NOT_FOUND" | "FAILED_PRECONDITION") => Ok(name.to_owned()),
            name => Err(format!("{name}: {status}")),
        },
    })
    .await;
    let until = arena.until();
    let mut rounds = 0;
    while Instant::now() < until {
        daemon.ctr(NAMESPACE, &["images", "remove", "--sync", &named("moving")]);
        tokio::time::sleep(Duration::from_millis(100)).await;
        import(&daemon, &arena.layout);
        rounds += 1;
    }
    let answers = joined(callers).await?;
    Ok(format!("{rounds} rounds; {answers}"))
}

async fn renamed_snapshot(arena: Arc<Arena>) -> Found {
    let daemon = arena.daemon.as_ref().unwrap().lock().await;
    let archive = daemon.path("images.tar").display().to_string();
    let unpack = ["images", "import", "--local", "--snapshotter", SNAPSHOTTER, &archive];
    daemon.ctr(NAMESPACE, &unpack);
    let snapshots = |args: &[&str]| {
        let all = [&["snapshots", "--snapshotter", SNAPSHOTTER], args].concat();
        daemon.ctr(NAMESPACE, &all)
    };
    let listed = snapshots(&["list"]);
    let parent = listed
        .lines()
        .find_map(|line| line.split_whitespace().next().filter(|key| key.starts_with("sha256:")));
    let parent = parent.ok_or_else(|| format!("no snapshot: {listed}"))?;
    snapshots(&["prepare", "container", parent]);
    let mounts = snapshots(&["mounts", "/target", "container"]);
    let root =
        mounts.split_whitespace().find(|word| word.starts_with('/') && Path::new(word).is_dir());
    let root = PathBuf::from(root.ok_or_else(|| format!("no directory: {mounts}"))?);
    let outside = arena.directory.path().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("passwd"), "app:x:4242:4242::/:/bin/sh\n").unwrap();
    std::fs::write(outside.join("group"), "root:x:0:\n").unwrap();
    symlink(&outside, root.join("link")).unwrap();

    let mut request = request(&named("moving"), NAMESPACE);
    request.snapshotter = SNAPSHOTTER.to_owned();
    request.snapshot_key = "container".to_owned();
    let callers = checked(&arena, request, |answer| match answer {
        Ok(response) => match uid(response) {
            Some(uid @ (1001 | 1000)) => Ok(format!("uid {uid}")),
            other => Err(format!("uid {other:?}, from outside the snapshot")),
        },
        Err(status) => match code_name(status.code()).as_str() {
            "INTERNAL" | "UNKNOWN" => Err(status.to_string()),
            name => Ok(name.to_owned()),
        },
    })
    .await;
    let (stop, renamed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let renaming = std::thread::spawn({
        let (stop, renamed, root) = (Arc::clone(&stop), Arc::clone(&renamed), root.clone());
        move || {
            let [etc, link, kept] = ["etc", "link", "kept"].map(|name| root.join(name));
            while !stop.load(Ordering::Relaxed) {
                for (from, to) in [(&etc, &kept), (&link, &etc), (&etc, &link), (&kept, &etc)] {
                    if std::fs::rename(from, to).is_err() {
                        return;
                    }
                }
                renamed.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let answers = joined(callers).await;
    stop.store(true, Ordering::Relaxed);
    let _ = renaming.join();
    let answers = answers?;
    if !answers.0.keys().any(|name| name.starts_with("uid")) {
        return Err(format!("no call was answered: {answers}"));
    }
    Ok(format!("{} rounds; {answers}", renamed.load(Ordering::Relaxed)))
}

async fn namespaces(arena: Arc<Arena>) -> Found {
    let message = request(IMAGE, "other").encode_to_vec();
    let answers = crate::calls::callers(&arena, 16, Duration::from_secs(10), move |_| {
        (GENERATE, message.clone().into())
    })
    .await;
    if answers.of("NOT_FOUND") != answers.all() {
        return Err(format!("an image of another namespace: {answers}"));
    }
    Ok(answers.to_string())
}
