//! What of a spec is changed for this machine, and what this machine has.
//!
//! Invariant: whatever is not on the list stays as it is.

use crate::runtimes::runtime::Program;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The control group below which all of them are.
pub(crate) fn group() -> String {
    format!("specd-test-{}", std::process::id())
}

/// A change, with its reason.
type Change = (&'static str, fn(&mut Value, &Host));

/// THE list of changes, each with its reason.
pub(crate) const CHANGES: &[Change] = &[
    (
        "control groups are removed afterwards, so they are below one, each run in its own",
        |spec, _| {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            if let Some(path) = spec["linux"]["cgroupsPath"].as_str() {
                let run = NEXT.fetch_add(1, Ordering::Relaxed);
                spec["linux"]["cgroupsPath"] = format!("/{}/{run}/{path}", group()).into();
            }
        },
    ),
    ("there is no AppArmor and no SELinux", |spec, _| {
        remove(&mut spec["process"], &["apparmorProfile", "selinuxLabel"]);
        remove(&mut spec["linux"], &["mountLabel"]);
    }),
    ("a test has no terminal to hand over", |spec, _| {
        remove(&mut spec["process"], &["terminal", "consoleSize"]);
    }),
    ("hooks are programs of a machine: each is one that ends well", |spec, _| {
        for (_, hooks) in spec["hooks"].as_object_mut().into_iter().flatten() {
            for hook in hooks.as_array_mut().into_iter().flatten() {
                hook["path"] = "/bin/true".into();
            }
        }
    }),
    ("the root is the bundle's", |spec, _| spec["root"]["path"] = "rootfs".into()),
    ("files of the host that are bound need not be here", |spec, _| {
        for mount in spec["mounts"].as_array_mut().into_iter().flatten() {
            let source = mount["source"].as_str().unwrap_or_default();
            if is_bind(mount) && !Path::new(source).exists() {
                mount["source"] = "/tmp".into();
            }
        }
    }),
    ("a capability that this machine withholds cannot be given on", |spec, host| {
        for (_, list) in spec["process"]["capabilities"].as_object_mut().into_iter().flatten() {
            if let Some(list) = list.as_array_mut() {
                list.retain(|name| !host.withheld.contains(&name.as_str().unwrap().to_owned()));
            }
        }
    }),
    ("a limit above this machine's takes CAP_SYS_RESOURCE", |spec, host| {
        for limit in spec["process"]["rlimits"].as_array_mut().into_iter().flatten() {
            for side in ["hard", "soft"] {
                if limit["type"] == "RLIMIT_NOFILE" && limit[side].as_u64() > Some(host.files) {
                    limit[side] = host.files.into();
                }
            }
        }
    }),
    ("a score below 0 takes CAP_SYS_RESOURCE", |spec, host| {
        let below = spec["process"]["oomScoreAdj"].as_i64().is_some_and(|score| score < 0);
        if below && host.withholds("CAP_SYS_RESOURCE") {
            spec["process"]["oomScoreAdj"] = 0.into();
        }
    }),
];

/// What is changed for the machine's runc beside.
pub(crate) const CHANGES_FOR_RUNC: &[Change] =
    &[("runc before 1.2 has no time namespaces", |spec, _| {
        if let Some(namespaces) = spec["linux"]["namespaces"].as_array_mut() {
            namespaces.retain(|namespace| namespace["type"] != "time");
        }
    })];

/// What is changed for crun beside.
pub(crate) const CHANGES_FOR_CRUN: &[Change] =
    &[("rules on devices lock more memory than this machine allows", |spec, host| {
        if let Some(resources) = spec.pointer_mut("/linux/resources").filter(|_| !host.locks_memory)
        {
            remove(resources, &["devices"]);
        }
    })];

/// A spec with the changes of the list.
pub(crate) fn spec(golden: &Value, program: Program, host: &Host) -> Value {
    let mut spec = golden.clone();
    for (_, change) in CHANGES {
        change(&mut spec, host);
    }
    change_for(&mut spec, program, host);
    spec
}

/// Makes the changes that only one runtime needs.
pub(crate) fn change_for(spec: &mut Value, program: Program, host: &Host) {
    let changes = match program {
        Program::Runc => CHANGES_FOR_RUNC,
        Program::Crun => CHANGES_FOR_CRUN,
        Program::RuncOfTheRules | Program::NewestRunc => &[],
    };
    for (_, change) in changes {
        change(spec, host);
    }
}

/// Whether a mount is a bind mount.
pub(crate) fn is_bind(mount: &Value) -> bool {
    let options = mount["options"].as_array().into_iter().flatten();
    options.filter_map(Value::as_str).any(|option| option == "bind" || option == "rbind")
}

fn remove(object: &mut Value, names: &[&str]) {
    if let Some(object) = object.as_object_mut() {
        for name in names {
            object.remove(*name);
        }
    }
}

/// What this machine has.
pub(crate) struct Host {
    /// The controllers of version 2.
    version_2: Vec<String>,
    /// How many files a process may open.
    files: u64,
    /// The capabilities that nobody here has.
    withheld: Vec<String>,
    /// Whether memory can be locked as much as crun's rules on devices take.
    locks_memory: bool,
}

impl Host {
    /// Looks around; the capabilities are all that there are, in the order of their numbers.
    pub(crate) fn read(capabilities: &[String]) -> Self {
        let paths =
            ["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/unified/cgroup.controllers"];
        let text = paths.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let limit = |flag: &str| {
            let asked = format!("ulimit -H {flag}");
            let output = Command::new("sh").args(["-c", &asked]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse().unwrap_or(u64::MAX)
        };
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let bounding = status.lines().find_map(|line| line.strip_prefix("CapBnd:")).unwrap();
        let bounding = u64::from_str_radix(bounding.trim(), 16).unwrap();
        let withheld = capabilities.iter().enumerate();
        let withheld = withheld.filter(|(number, _)| bounding & (1 << number) == 0);
        Self {
            withheld: withheld.map(|(_, name)| name.clone()).collect(),
            version_2: text.split_whitespace().map(str::to_owned).collect(),
            locks_memory: limit("-l") == u64::MAX,
            files: limit("-n"),
        }
    }

    /// Whether nobody here has a capability.
    pub(crate) fn withholds(&self, capability: &str) -> bool {
        self.withheld.iter().any(|name| name == capability)
    }

    /// The controllers that a spec needs and that do not exist.
    pub(crate) fn missing_controllers(&self, spec: &Value, version_2: bool) -> Vec<String> {
        let resources = spec["linux"]["resources"].as_object().into_iter().flatten();
        let names = resources.flat_map(|(section, value)| match section.as_str() {
            "memory" => vec!["memory"],
            "pids" => vec!["pids"],
            "cpu" => {
                let fields = value.as_object().into_iter().flat_map(|fields| fields.keys());
                let is_set = |field: &str| matches!(field, "cpus" | "mems");
                fields.map(|field| if is_set(field) { "cpuset" } else { "cpu" }).collect()
            }
            "blockIO" => vec!["io"],
            "hugepageLimits" => vec!["hugetlb"],
            // Files of version 2, each of the controller that its name begins with.
            "unified" if version_2 => {
                let files = value.as_object().into_iter().flat_map(|files| files.keys());
                let controllers = files.filter_map(|file| Some(file.split_once('.')?.0));
                controllers.filter(|controller| *controller != "cgroup").collect()
            }
            "unified" => vec!["unified"],
            _ => vec![],
        });
        let lacks = |name: &&str| {
            if version_2 {
                return !self.version_2.iter().any(|has| has == name);
            }
            let name = if *name == "io" { "blkio" } else { name };
            // A file that only version 1 has: where both versions are mounted, the directory `unified` is version 2.
            !Path::new("/sys/fs/cgroup").join(name).join("tasks").exists()
        };
        names.filter(lacks).map(str::to_owned).collect()
    }
}
