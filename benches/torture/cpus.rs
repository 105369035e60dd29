//! Who gets the CPUs: in production the clients run on CPUs of their own, so that attackers do not slow down the server by using the
//! same ones, and neither of them slows down the honest clients.

use crate::support::control_group::ControlGroup;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The smallest share of the CPUs that a control group can have.
const SHARES: &str = "2";

/// The niceness of the threads, for machines with control groups of version 2: there the threads of a process stay together.
const NICENESS: i32 = 10;

/// What a thread of the honest clients calls when it starts: it runs as soon as it can, whatever the server does, so that its latencies
/// are those of the server. What it starts, for example the server, has the usual policy.
pub(crate) fn be_prompt() {
    let thread = fs::read_link("/proc/thread-self").unwrap();
    let id = thread.file_name().unwrap();
    let mut chrt = Command::new("chrt");
    chrt.args(["--reset-on-fork", "--fifo", "--pid", "1"]).arg(id);
    if !chrt.status().is_ok_and(|status| status.success()) {
        eprintln!(
            "honest clients have no real-time priority, so their latencies include waits for a CPU"
        );
    }
}

/// A control group for threads.
pub(crate) struct Attackers {
    /// The file that moves a thread into the group; nothing where there is no group.
    tasks: Option<PathBuf>,
    _held: ControlGroup,
}

impl Attackers {
    pub(crate) fn new() -> Self {
        let name = format!("specd-torture-{}-attackers", std::process::id());
        let held = ControlGroup::hold(&name);
        let group = Path::new("/sys/fs/cgroup/cpu").join(name);
        let made =
            fs::create_dir_all(&group).and_then(|()| fs::write(group.join("cpu.shares"), SHARES));
        if let Err(error) = &made {
            eprintln!("attackers have no control group, only a lower priority: {error}");
        }
        Self { tasks: made.is_ok().then(|| group.join("tasks")), _held: held }
    }

    /// What a thread of the attackers calls when it starts.
    pub(crate) fn enter(&self) -> impl Fn() + Send + Sync + 'static {
        let tasks = self.tasks.clone();
        move || {
            // Both are settings of the calling thread alone.
            let _ = rustix::process::setpriority_process(None, NICENESS);
            if let Some(tasks) = &tasks {
                // 0 is the calling thread.
                fs::write(tasks, "0").unwrap();
            }
        }
    }
}
