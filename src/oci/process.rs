//! The process.

use crate::oci::{EncodedOnce, object};

object! {
    /// The process of a container, or one more process in it.
    Process {
        terminal: bool = "terminal",
        console_size: Option<ConsoleSize> = "consoleSize",
        user: User = "user" (always),
        args: Vec<String> = "args",
        /// The command line of a Windows process.
        command_line: String = "commandLine",
        env: Vec<String> = "env",
        cwd: String = "cwd" (always),
        capabilities: Option<EncodedOnce<Capabilities>> = "capabilities",
        rlimits: Vec<Rlimit> = "rlimits",
        no_new_privileges: bool = "noNewPrivileges",
        apparmor_profile: String = "apparmorProfile",
        oom_score_adj: Option<i64> = "oomScoreAdj",
        scheduler: Option<Scheduler> = "scheduler",
        selinux_label: String = "selinuxLabel",
        io_priority: Option<IoPriority> = "ioPriority",
        exec_cpu_affinity: Option<CpuAffinity> = "execCPUAffinity",
    }

    /// The size of a terminal, in characters.
    ConsoleSize {
        height: u64 = "height" (always),
        width: u64 = "width" (always),
    }

    /// The user and its groups, in numbers.
    User {
        uid: u32 = "uid" (always),
        gid: u32 = "gid" (always),
        umask: Option<u32> = "umask",
        additional_gids: Vec<u32> = "additionalGids",
        /// The name of a Windows user.
        username: String = "username",
    }

    /// The capability sets, each in the order in which it was listed.
    Capabilities {
        bounding: Vec<String> = "bounding",
        effective: Vec<String> = "effective",
        inheritable: Vec<String> = "inheritable",
        permitted: Vec<String> = "permitted",
        ambient: Vec<String> = "ambient",
    }

    /// A resource limit, for example of `RLIMIT_NOFILE`.
    Rlimit {
        kind: String = "type" (always),
        hard: u64 = "hard" (always),
        soft: u64 = "soft" (always),
    }

    /// How the kernel schedules the process: `sched_setattr(2)`.
    Scheduler {
        policy: String = "policy" (always),
        nice: i32 = "nice",
        priority: i32 = "priority",
        flags: Vec<String> = "flags",
        /// Nanoseconds.
        runtime: u64 = "runtime",
        /// Nanoseconds.
        deadline: u64 = "deadline",
        /// Nanoseconds.
        period: u64 = "period",
    }

    /// The priority of reads and writes: `ioprio_set(2)`.
    IoPriority {
        class: String = "class" (always),
        /// 0, the highest, to 7.
        priority: i64 = "priority" (always),
    }

    /// The CPUs that an exec runs on, each a list such as `0-1,4`.
    CpuAffinity {
        /// Before the process is in the container's control group.
        initial: String = "initial",
        /// After that.
        last: String = "final",
    }
}

impl Capabilities {
    /// The names of the five sets, in the order of the runtime spec.
    pub const NAMES: [&str; 5] = ["bounding", "effective", "inheritable", "permitted", "ambient"];

    /// The five sets with their names.
    #[must_use]
    pub fn sets(&self) -> [(&'static str, &[String]); 5] {
        let Self { bounding, effective, inheritable, permitted, ambient, other: _ } = self;
        let sets = [bounding, effective, inheritable, permitted, ambient];
        std::array::from_fn(|at| (Self::NAMES[at], sets[at].as_slice()))
    }

    /// The five sets, to edit.
    pub fn sets_mut(&mut self) -> [&mut Vec<String>; 5] {
        let Self { bounding, effective, inheritable, permitted, ambient, other: _ } = self;
        [bounding, effective, inheritable, permitted, ambient]
    }
}
