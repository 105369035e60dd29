//! The runtimes, and the control groups under which they run.

use crate::runtimes::bundle::Bundle;
use crate::support::say::say;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// Namespaces between a runtime and the machine: a spec that has none of its own, and a runtime that takes
/// it, must not mount on the machine or change its name, its network or its kernel parameters.
const APART: [&str; 4] = ["--mount", "--uts", "--ipc", "--net"];

/// Hides the machine's control groups below version 2 alone, and runs what follows there.
const UNDER_VERSION_2: &str =
    "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"";

/// The exit status of `build` where the program cannot be had on this machine.
const CANNOT_BE_HAD: i32 = 3;

/// The exit statuses of runc and crun where their child fails and they have no message of it. That of a program that a signal
/// ends is 128 or more.
const FAILED: [Option<i32>; 2] = [Some(1), Some(255)];

/// A runtime, with the control groups that it sees.
pub(crate) struct Runtime {
    /// The name in messages.
    pub(crate) name: String,
    pub(crate) program: Program,
    /// Whether it sees control groups of version 2, and nothing else.
    pub(crate) version_2: bool,
    /// The program.
    pub(crate) binary: PathBuf,
}

/// Which runtime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Program {
    /// The runc that the machine has.
    Runc,
    /// The version of runc that the rules refer to.
    RuncOfTheRules,
    /// The newest one, release candidates included.
    NewestRunc,
    Crun,
}

/// What became of a run.
pub(crate) struct Ran {
    pub(crate) started: bool,
    pub(crate) output: String,
    code: Option<i32>,
}

impl Ran {
    /// Whether the runtime failed, and not the program. Most times it says why.
    pub(crate) fn is_refused(&self) -> bool {
        !self.started && (!self.output.is_empty() || FAILED.contains(&self.code))
    }
}

impl Runtime {
    /// Runs a bundle to its end and removes what is left of it.
    pub(crate) fn run(&self, bundle: &Bundle) -> Ran {
        self.run_by(&[self.binary.as_os_str()], bundle)
    }

    /// The same, with a command line of the runtime: what changes the user, the program and its options.
    pub(crate) fn run_by(&self, line: &[&OsStr], bundle: &Bundle) -> Ran {
        let id = bundle.id();
        let mut command = self.command(line);
        command.args(["run", "--bundle"]).arg(bundle.path()).arg(id);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        if !output.status.success() {
            let _ = self.command(line).args(["delete", "--force", id]).output();
        }
        Ran {
            started: output.status.success(),
            output: String::from_utf8_lossy(&text).trim().to_owned(),
            code: output.status.code(),
        }
    }

    fn command(&self, line: &[&OsStr]) -> Command {
        // A hook, or a program that does not end, must not hold up the rest.
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", "30"]);
        command.arg("unshare").args(APART);
        if self.version_2 {
            command.args(["sh", "-c", UNDER_VERSION_2, "sh"]);
        }
        command.args(line);
        command
    }
}

/// Every runtime of this machine; a missing one is reported once.
pub(crate) fn all() -> &'static [Runtime] {
    static ALL: LazyLock<Vec<Runtime>> = LazyLock::new(|| {
        if !rustix::process::geteuid().is_root() {
            say("SKIPPED: runs with real runtimes: they need root");
            return Vec::new();
        }
        if on_path("busybox").is_none() || on_path("unshare").is_none() {
            say("SKIPPED: runs with real runtimes: they need a static busybox, and unshare");
            return Vec::new();
        }
        let mut found = Vec::new();
        let version_2 = has_version_2();
        let mut add = |program, binary: PathBuf| {
            let version = version(&binary);
            let runtime =
                |name, version_2| Runtime { name, program, version_2, binary: binary.clone() };
            // Debian 12's crun does not take a machine with both versions.
            if program != Program::Crun {
                found.push(runtime(version.clone(), false));
            }
            if version_2 {
                found.push(runtime(format!("{version}, cgroup v2"), true));
            }
        };
        match on_path("runc") {
            Some(binary) => add(Program::Runc, binary),
            None => say("SKIPPED: runs with the machine's runc: there is none"),
        }
        for (program, what) in
            [(Program::RuncOfTheRules, "runc"), (Program::NewestRunc, "newest-runc")]
        {
            match built(what) {
                Ok(binary) => add(program, binary),
                Err(reason) => {
                    say(&format!("SKIPPED: runs with the {what} of the rules: {reason}"));
                }
            }
        }
        match on_path("crun") {
            Some(binary) => add(Program::Crun, binary),
            None => say("SKIPPED: runs with crun: there is none"),
        }
        if !version_2 {
            say("SKIPPED: runs under cgroup v2: it cannot be mounted here");
        }
        found
    });
    &ALL
}

/// What the script `build` has made; or why it cannot be had.
pub(crate) fn built(what: &str) -> Result<PathBuf, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/system/runtimes/build");
    let output = Command::new(script).arg(what).output().map_err(|error| error.to_string())?;
    let log = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.code() == Some(CANNOT_BE_HAD) {
        return Err(log);
    }
    assert!(output.status.success(), "{what} cannot be built: {log}");
    Ok(PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end()))
}

fn has_version_2() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", UNDER_VERSION_2, "sh", "true"]);
    command.output().is_ok_and(|output| output.status.success())
}

fn version(binary: &Path) -> String {
    let output = Command::new(binary).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().next().unwrap().replace(" version ", " ")
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|dir| dir.join(name)).find(|path| path.is_file())
}
