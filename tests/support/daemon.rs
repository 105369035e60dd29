//! A private containerd: its own root, state and socket, no CRI, no listener on the network.
//!
//! Invariant: once a [`Daemon`] is dropped, nothing of it is left: no process, no mount, no file, no control group.

#![allow(dead_code, reason = "each program that includes this uses some of it")]

use crate::support::control_group::ControlGroup;
use crate::support::say::say;
use containerd_client::Client;
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A static one: there is no library in the images.
pub(crate) const BUSYBOX: &str = "/bin/busybox";

/// Works on every file system, which overlayfs does not; what is tested here does not depend on it.
pub(crate) const SNAPSHOTTER: &str = "native";

/// How long a daemon may take to answer or to end. It takes a fraction of a second; machines are noisy.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of a daemon's log belongs to the report of a failure.
const LOG_LINES: usize = 40;

/// Which containerd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// The one on the `PATH`.
    OnPath,
    /// The one in the directory that `SPECD_CONTAINERD_2` names.
    Two,
}

impl Release {
    /// The directory of its programs, nothing for the `PATH`; an error where it is not there.
    fn directory(self) -> Result<Option<PathBuf>, String> {
        match self {
            Self::OnPath => Ok(None),
            Self::Two => std::env::var_os("SPECD_CONTAINERD_2")
                .map(|directory| Some(directory.into()))
                .ok_or_else(|| "SPECD_CONTAINERD_2 is not set".to_owned()),
        }
    }
}

/// The programs of a release, all of them there.
struct Programs {
    containerd: PathBuf,
    /// Where containerd is to look for its shim and for runc.
    path: std::ffi::OsString,
    major: u32,
}

impl Programs {
    fn find(release: Release) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("not root".to_owned());
        }
        let mut directories: Vec<PathBuf> = release.directory()?.into_iter().collect();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        directories.extend(std::env::split_paths(&inherited));
        // The place of runc, for users without it on their PATH.
        directories.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
        if !Path::new(BUSYBOX).is_file() {
            return Err(format!("no {BUSYBOX}, which has to be a static one"));
        }
        let look = |program: &str| {
            let mut found = directories.iter().map(|directory| directory.join(program));
            found.find(|path| path.is_file()).ok_or_else(|| format!("no {program}"))
        };
        look("containerd-shim-runc-v2")?;
        look("runc")?;
        look("ctr")?;
        let containerd = look("containerd")?;
        let said = Command::new(&containerd).arg("--version").output();
        let said = said.map_err(|error| format!("{}: {error}", containerd.display()))?;
        let major = major(&String::from_utf8_lossy(&said.stdout))
            .ok_or_else(|| format!("{} --version says no version", containerd.display()))?;
        let path = std::env::join_paths(&directories).map_err(|error| error.to_string())?;
        Ok(Self { containerd, path, major })
    }
}

/// The major version in `containerd github.com/containerd/containerd v2.4.2 abc`.
fn major(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(2)?;
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// A containerd that runs, or that has been stopped for a while.
pub(crate) struct Daemon {
    directory: TempDir,
    programs: Programs,
    process: Option<Child>,
    /// Those that containers are in, by the names of their namespaces; containerd leaves them.
    control_groups: Mutex<Vec<ControlGroup>>,
}

impl Daemon {
    /// A fresh daemon that answers; nothing, and a word on why, where the release cannot run here.
    pub(crate) async fn start(release: Release) -> Option<Self> {
        let programs = match Programs::find(release) {
            Ok(programs) => programs,
            Err(why) => {
                let required =
                    std::env::var_os("SPECD_REQUIRE_CONTAINERD").is_some_and(|v| v == "1");
                assert!(!required, "containerd {release:?} is required: {why}");
                say(&format!("SKIPPED: containerd {release:?}: {why}"));
                return None;
            }
        };
        let expected = if release == Release::Two { 2.. } else { 1.. };
        assert!(expected.contains(&programs.major), "{release:?} is {}", programs.major);
        let directory = tempfile::Builder::new().prefix("specd-").tempdir().unwrap();
        let mut daemon =
            Self { directory, programs, process: None, control_groups: Mutex::default() };
        std::fs::write(daemon.path("config.toml"), daemon.config()).unwrap();
        daemon.start_again().await;
        Some(daemon)
    }

    fn config(&self) -> String {
        // What reaches outside of the directory, or what no test needs, is off.
        let disabled = [
            "io.containerd.grpc.v1.cri",
            "io.containerd.cri.v1.images",
            "io.containerd.cri.v1.runtime",
            "io.containerd.internal.v1.opt",
            "io.containerd.nri.v1.nri",
            "io.containerd.podsandbox.controller.v1.podsandbox",
            "io.containerd.snapshotter.v1.btrfs",
            "io.containerd.snapshotter.v1.devmapper",
            "io.containerd.snapshotter.v1.zfs",
        ];
        let version = if self.programs.major < 2 { 2 } else { 3 };
        let (root, state, socket) = (self.path("root"), self.path("state"), self.socket());
        format!(
            "version = {version}\nroot = {root:?}\nstate = {state:?}\n\
             disabled_plugins = {disabled:?}\n[grpc]\naddress = {socket:?}\n"
        )
    }

    /// Whether it is containerd 2.
    pub(crate) fn is_release_2(&self) -> bool {
        self.programs.major >= 2
    }

    /// A path in the daemon's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The socket that it answers on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("c.sock")
    }

    /// Where runc keeps its state, with a directory for each namespace.
    pub(crate) fn runc_root(&self) -> PathBuf {
        self.path("runc")
    }

    /// Removes the control group of a namespace's containers, when the daemon has ended.
    pub(crate) fn hold_control_group(&self, namespace: &str) {
        self.control_groups.lock().unwrap().push(ControlGroup::hold(namespace));
    }

    /// The release's own command line, for this daemon.
    pub(crate) fn ctr(&self, namespace: &str, args: &[&str]) -> String {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.socket()).args(["--namespace", namespace]).args(args);
        let said = command.env("PATH", &self.programs.path).output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(
            said.status.success(),
            "ctr {args:?}: {}{text}",
            String::from_utf8_lossy(&said.stderr)
        );
        text
    }

    /// A client that is not specd's.
    pub(crate) async fn client(&self) -> Client {
        Client::from_path(self.socket()).await.unwrap()
    }

    /// Starts the daemon that was stopped, with all that it had, and waits until it answers.
    pub(crate) async fn start_again(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let process = Command::new(&self.programs.containerd)
            .arg("--config")
            .arg(self.path("config.toml"))
            .env("PATH", &self.programs.path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let process = self.process.insert(process);
        let begun = Instant::now();
        let ended = loop {
            if let Some(status) = process.try_wait().unwrap() {
                break format!("ended: {status}");
            }
            if answers(&self.directory.path().join("c.sock")).await {
                return;
            }
            if begun.elapsed() > PATIENCE {
                break "does not answer".to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        panic!("containerd {ended}\n{}", self.log());
    }

    /// Asks the daemon to end, as an operator would, and waits for it. Containers run on.
    pub(crate) fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// Ends the daemon without a chance to say good-bye.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Sends the daemon a signal, for example to stop it in the middle of its work.
    pub(crate) fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().unwrap();
        kill_process(Pid::from_child(process), signal).unwrap();
    }

    /// Stops it where it is, until it is thawed.
    pub(crate) fn freeze(&self) {
        let Some(process) = &self.process else { return };
        kill_process(Pid::from_child(process), Signal::STOP).unwrap();
        let begun = Instant::now();
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
        while !stat().contains(") T ") {
            assert!(begun.elapsed() < PATIENCE, "{}", stat());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Lets it run again.
    pub(crate) fn thaw(&self) {
        if let Some(process) = &self.process {
            kill_process(Pid::from_child(process), Signal::CONT).unwrap();
        }
    }

    fn end(&mut self, signal: Signal) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        // A stopped process gets no other signal than KILL.
        let _ = kill_process(Pid::from_child(&process), Signal::CONT);
        let _ = kill_process(Pid::from_child(&process), signal);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if process.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = process.kill();
        let _ = process.wait();
    }

    /// The last that the daemon has written about itself.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

async fn answers(socket: &Path) -> bool {
    let asked = async { Client::from_path(socket).await.ok()?.version().version(()).await.ok() };
    matches!(tokio::time::timeout(Duration::from_secs(5), asked).await, Ok(Some(_)))
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
        for container in containers(&self.runc_root()) {
            let (root, id) = (container.parent().unwrap(), container.file_name().unwrap());
            let mut delete = Command::new("runc");
            delete.arg("--root").arg(root).args(["delete", "--force"]).arg(id);
            let _ = delete.env("PATH", &self.programs.path).output();
        }
        for shim in processes_of(self.directory.path()) {
            let _ = kill_process(shim, Signal::KILL);
        }
        for mount in mounts_below(self.directory.path()) {
            let _ = unmount(&mount, UnmountFlags::DETACH);
        }
        if std::thread::panicking() {
            say(&format!("containerd said at last:\n{}", self.log()));
        }
    }
}

/// What runc still has: a directory a namespace, and in it one a container.
fn containers(runc_root: &Path) -> Vec<PathBuf> {
    let entries = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten();
    entries(runc_root).flat_map(|namespace| entries(&namespace.path())).map(|e| e.path()).collect()
}

/// The processes with the directory on their command line: the shims.
fn processes_of(directory: &Path) -> Vec<Pid> {
    let needle = directory.as_os_str().as_encoded_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let shims = processes.filter(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.windows(needle.len()).any(|window| window == needle)
    });
    shims.filter_map(|p| Pid::from_raw(p.file_name().to_str()?.parse().ok()?)).collect()
}

/// The mounts in the directory, the innermost first.
fn mounts_below(directory: &Path) -> Vec<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
    let mut below: Vec<_> = points.filter(|point| point.starts_with(directory)).collect();
    below.reverse();
    below
}
