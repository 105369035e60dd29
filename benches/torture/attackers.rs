//! The threads of the attackers, which get only the CPU time that nobody else wants: in production attackers run on CPUs of their
//! own, and must not slow down the server or the honest clients by using the same ones.

use crate::support::control_group::ControlGroup;
use std::fs;
use std::path::{Path, PathBuf};

/// The smallest share of the CPUs that a control group can have.
const SHARES: &str = "2";

/// The niceness of the threads, for machines with control groups of version 2: there the threads of a process stay together.
const NICENESS: i32 = 10;

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
