//! A control group that limits the memory and the CPUs of a process, in version 1 or 2.

use crate::support::control_group::ControlGroup;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The group, until it is dropped.
pub(crate) struct LimitedGroup {
    /// Of version 2 the one directory, of version 1 that of the memory and that of the CPUs.
    directories: Vec<PathBuf>,
    _held: ControlGroup,
}

const ROOT: &str = "/sys/fs/cgroup";

/// The period of CPU quotas, in microseconds.
const PERIOD: u32 = 100_000;

/// What a shell does before it becomes the program: it enters the groups, and lowers the limit of descriptors.
const ENTER: &str = r#"
    while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 1; shift; done
    [ -z "$2" ] || ulimit -n "$2" || exit 1
    shift 2
    exec "$@"
"#;

impl LimitedGroup {
    /// Makes the group, with a limit in bytes and so many CPUs. An error says what the machine lacks.
    pub(crate) fn new(name: &str, memory: u64, cpus: u32) -> Result<Self, String> {
        let held = ControlGroup::hold(name);
        let quota = cpus * PERIOD;
        let root = Path::new(ROOT);
        // Of the time that others want as well it gets as much as so many single processes.
        let in_two = [
            ("", "cpu.weight", (100 * cpus).to_string()),
            ("", "memory.max", memory.to_string()),
            ("", "cpu.max", format!("{quota} {PERIOD}")),
        ];
        let in_one = [
            ("cpu", "cpu.shares", (1024 * cpus).to_string()),
            ("memory", "memory.limit_in_bytes", memory.to_string()),
            ("cpu", "cpu.cfs_period_us", PERIOD.to_string()),
            ("cpu", "cpu.cfs_quota_us", quota.to_string()),
        ];
        let is_two = root.join("cgroup.controllers").exists();
        let settings: &[(&str, &str, String)] = if is_two { &in_two } else { &in_one };
        let mut directories = Vec::new();
        for (hierarchy, file, value) in settings {
            let directory = root.join(hierarchy).join(name);
            let make = || {
                fs::create_dir_all(&directory)?;
                fs::write(directory.join(file), value)
            };
            make().map_err(|error| {
                format!(
                    "no control group with a limit, which needs root: {}/{file}: {error}",
                    directory.display()
                )
            })?;
            if !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        Ok(Self { directories, _held: held })
    }

    /// A command that runs a program in the group, with a limit of its descriptors.
    pub(crate) fn run(&self, program: impl AsRef<OsStr>, descriptors: Option<u32>) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", ENTER, "sh"]).args(&self.directories).arg("--");
        command.arg(descriptors.map(|most| most.to_string()).unwrap_or_default()).arg(program);
        command
    }

    /// How many processes were killed in the group since they took too much memory.
    pub(crate) fn killed(&self) -> u64 {
        let files = ["memory.oom_control", "memory.events"];
        let texts = self.directories.iter().flat_map(|directory| {
            files.map(|file| fs::read_to_string(directory.join(file)).unwrap_or_default())
        });
        let counts = texts.filter_map(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
            line.trim().parse::<u64>().ok()
        });
        counts.sum()
    }
}
