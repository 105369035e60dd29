//! The differences that are meant: each with a name, a reason, what it looks like and a case that shows it.
//!
//! Where Go's client is unsafe, or gives a spec that fails in the runtime, our server refuses. A
//! difference is on this list only where both answers are what its row says.

use crate::case::Case;
use crate::deliberate_devices as devices;
use crate::options::{Chosen, TABLE};
use crate::program::Answer;
use crate::runtime;
use serde_json::{Value, json};
use tonic::Status;
use tonic_types::StatusExt;

/// A case and its two answers, which are not the same.
pub(crate) struct Seen<'a> {
    /// The release that answered.
    pub(crate) version: &'a str,
    pub(crate) case: &'a Case,
    pub(crate) go: Answer,
    pub(crate) ours: Result<String, Status>,
}

/// A difference that is meant.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// Why ours is not to be Go's.
    pub(crate) reason: &'static str,
    /// The releases that it is about; none: all.
    pub(crate) only: &'static [&'static str],
    /// Whether two answers differ for this reason.
    pub(crate) holds: fn(&Seen<'_>) -> bool,
    /// A case that shows it.
    pub(crate) witness: fn() -> Case,
}

impl Known {
    /// Whether a release has this difference.
    pub(crate) fn concerns(&self, version: &str) -> bool {
        self.only.is_empty() || self.only.contains(&version)
    }
}

/// Every difference that is meant, those of the runtime among them.
pub(crate) fn all() -> impl Iterator<Item = &'static Known> {
    LIST.iter().chain(runtime::LIST)
}

/// The row that explains a difference.
pub(crate) fn find(seen: &Seen<'_>) -> Option<&'static Known> {
    all().find(|known| known.concerns(seen.version) && (known.holds)(seen))
}

impl Seen<'_> {
    /// Our refusal in all its words, and the spec that Go's client gives.
    fn refused(&self) -> Option<(String, Value)> {
        let (Err(status), Answer::Spec(spec)) = (&self.ours, &self.go) else {
            return None;
        };
        let violations = status.get_details_bad_request().map(|details| details.field_violations);
        let mut words = status.message().to_owned();
        for violation in violations.unwrap_or_default() {
            words += &format!("\n{}: {}", violation.field, violation.description);
        }
        Some((words, serde_json::from_str(spec).unwrap()))
    }

    /// The rules on finished specs that Go's spec breaks, as we tell them.
    pub(crate) fn rules(&self) -> Vec<String> {
        let (Err(status), Answer::Spec(_)) = (&self.ours, &self.go) else {
            return Vec::new();
        };
        let info = status.get_details_error_info();
        let rules = info.and_then(|info| info.metadata.get("rules").cloned());
        rules.iter().flat_map(|rules| rules.split(',')).map(str::to_owned).collect()
    }

    /// Whether we refuse in these words, and Go's spec is what it should not be.
    pub(crate) fn refuses(&self, words: &str, unsafe_spec: impl Fn(&Value) -> bool) -> bool {
        self.refused().is_some_and(|(message, spec)| message.contains(words) && unsafe_spec(&spec))
    }
}

/// A case without anything odd.
pub(crate) fn plain() -> Case {
    Case {
        config:
            br#"{"architecture":"amd64","os":"linux","config":{"Cmd":["sh"],"Env":["PATH=/bin"]}}"#
                .to_vec(),
        passwd: Some(b"root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n".to_vec()),
        group: Some(b"root:x:0:root\nwww:x:33:app\n".to_vec()),
        namespace: "default".to_owned(),
        id: "web-1".to_owned(),
        options: Vec::new(),
    }
}

/// The plain case with another `config`.
pub(crate) fn image(config: &Value) -> Case {
    let config = json!({"architecture": "amd64", "os": "linux", "config": config});
    Case { config: config.to_string().into_bytes(), ..plain() }
}

/// The plain case with an option.
pub(crate) fn with(option: &str, value: impl Into<Value>) -> Case {
    Case { options: vec![Chosen::new(option, value)], ..plain() }
}

/// The uid, the gid and the groups of a spec.
fn ids(spec: &Value) -> Vec<u64> {
    let user = &spec["process"]["user"];
    let groups = user["additionalGids"].as_array().cloned().unwrap_or_default();
    [user["uid"].clone(), user["gid"].clone()]
        .iter()
        .chain(&groups)
        .filter_map(Value::as_u64)
        .collect()
}

/// Options that replace the image's USER.
const USERS: [&str; 5] =
    ["user", "user without groups", "WithUserID", "WithUIDGID", "WithUsername"];

/// Every difference that is meant.
const LIST: &[Known] = &[
    Known {
        name: "field that the specification has removed",
        reason: "an older runtime still applies it, and a newer one ignores it",
        only: &["2.2.9", "2.3.7", "2.4.2"],
        holds: |seen| {
            let gone = |text: &String| text.contains("enableCMT") || text.contains("enableMBM");
            seen.ours.is_ok() && matches!(&seen.go, Answer::Error(text) if gone(text))
        },
        witness: || with("rdt", old_rdt()),
    },
    Known {
        name: "option that is newer than the release",
        reason: "a profile sets defaults; it does not restrict the options of a request",
        only: &["1.6.38", "1.7.36", "2.0.14", "2.1.9", "2.2.9"],
        holds: |seen| {
            let newer = |text: &String| text.ends_with(": not in this release");
            seen.ours.is_ok() && matches!(&seen.go, Answer::Error(text) if newer(text))
        },
        witness: || with("WithUmask", 18),
    },
    Known {
        name: "no command",
        reason: "the runtime refuses a process without arguments",
        only: &[],
        holds: |seen| {
            seen.refuses("there is nothing to run: no entrypoint", |spec| {
                spec["process"]["args"].as_array().is_none_or(Vec::is_empty)
            })
        },
        witness: || image(&json!({})),
    },
    Known {
        name: "empty first argument",
        reason: "no program has an empty name, so the runtime fails",
        only: &[],
        holds: |seen| {
            seen.refuses("the first argument is empty", |spec| spec["process"]["args"][0] == "")
        },
        witness: || image(&json!({"Cmd": ["", "x"]})),
    },
    Known {
        name: "NUL in an argument",
        reason: "arguments cannot contain NUL: the runtime fails or truncates the argument",
        only: &[],
        holds: |seen| {
            seen.refuses("argument contains a NUL", |spec| has_nul(&spec["process"]["args"]))
        },
        witness: || image(&json!({"Cmd": ["a\0b"]})),
    },
    Known {
        name: "NUL in the environment",
        reason: "variables cannot contain NUL: the runtime fails or truncates the variable",
        only: &[],
        holds: |seen| {
            let refused = |words| seen.refuses(words, |spec| has_nul(&spec["process"]["env"]));
            refused("environment entry contains a NUL") || refused("options.process.env[")
        },
        witness: || image(&json!({"Cmd": ["sh"], "Env": ["A=\0"]})),
    },
    Known {
        name: "NUL in the working directory",
        reason: "paths cannot contain NUL: the runtime fails or truncates the path",
        only: &[],
        holds: |seen| {
            seen.refuses("working directory contains a NUL", |spec| cwd(spec).contains('\0'))
        },
        witness: || image(&json!({"Cmd": ["sh"], "WorkingDir": "/\0"})),
    },
    Known {
        name: "relative working directory",
        reason: "the runtime refuses it",
        only: &[],
        holds: |seen| seen.refuses("is not an absolute path", |spec| !cwd(spec).starts_with('/')),
        witness: || image(&json!({"Cmd": ["sh"], "WorkingDir": "srv"})),
    },
    Known {
        name: "working directory through a file descriptor",
        reason: "it leads out of the container (CVE-2024-21626)",
        only: &[],
        holds: |seen| {
            let through =
                |spec: &Value| ["/fd", "/dev/std"].iter().any(|it| cwd(spec).contains(it));
            seen.refuses("through a process's file descriptors", through)
        },
        witness: || image(&json!({"Cmd": ["sh"], "WorkingDir": "/proc/self/fd/8"})),
    },
    Known {
        name: "empty half of USER",
        reason: "Go's client reads it as 0, which is root",
        only: &[],
        holds: |seen| seen.refuses("has an empty", |spec| ids(spec).contains(&0)),
        witness: || image(&json!({"Cmd": ["sh"], "User": "1000:"})),
    },
    Known {
        name: "malformed number in an account line",
        reason: "Go's client reads it as 0, which is root",
        only: &[],
        holds: |seen| {
            seen.refuses("should be", |spec| !stated_number(seen) && ids(spec).contains(&0))
        },
        witness: || Case {
            passwd: Some(b"bad:x:abc:7::/:/bin/sh\n".to_vec()),
            ..image(&json!({"Cmd": ["sh"], "User": "bad"}))
        },
    },
    Known {
        name: "number out of bounds in an account line",
        reason: "the runtime refuses it, and Go's client wraps numbers that do not fit into 32 bits",
        only: &[],
        holds: |seen| seen.refuses("should be", |_| stated_number(seen)),
        witness: || Case {
            passwd: Some(b"big:x:4294968296:4294968296::/:/bin/sh\n".to_vec()),
            ..image(&json!({"Cmd": ["sh"], "User": "big"}))
        },
    },
    Known {
        name: "image of another platform",
        reason: "Go's client does not check the platform, and the runtime fails with an exec format error",
        only: &[],
        holds: |seen| seen.refuses("no manifest for", |_| true),
        witness: || Case {
            config: br#"{"architecture":"s390x","os":"linux","config":{"Cmd":["sh"]}}"#.to_vec(),
            ..plain()
        },
    },
    Known {
        name: "attestation",
        reason: "it describes a build and is not an image",
        only: &[],
        holds: |seen| seen.refuses("is that of an attestation", |_| true),
        witness: || Case {
            config: br#"{"architecture":"unknown","os":"unknown","config":{"Cmd":["sh"]}}"#
                .to_vec(),
            ..plain()
        },
    },
    Known {
        name: "invalid container id",
        reason: "containerd's Containers.Create refuses it, and it can lead out of the cgroup path",
        only: &[],
        holds: |seen| seen.refuses("\nid: ", |_| identifier(&seen.case.id).is_err()),
        witness: || Case { id: "../x".to_owned(), ..plain() },
    },
    Known {
        name: "additional group with a sign",
        reason: "+5 is the number 5, like in USER; Go's client reads it as a name here",
        only: &[],
        holds: |seen| {
            seen.ours.is_ok()
                && values(seen, "additional_groups").iter().any(|group| is_signed_number(group))
        },
        witness: || with("additional_groups", json!(["+5"])),
    },
    Known {
        name: "additional group out of range",
        reason: "the runtime refuses it, and Go's client reads numbers that do not fit into 32 bits as names",
        only: &[],
        holds: |seen| {
            seen.refuses("options.user.additional_groups[", |_| true)
                && seen.refuses("out of range", |_| true)
        },
        witness: || with("additional_groups", json!(["2147483648"])),
    },
    Known {
        name: "group line of a megabyte",
        reason: "other readers of such files refuse it, and before 2.4 Go's client held it in memory",
        only: &["1.6.38", "1.7.36", "2.0.14", "2.1.9", "2.2.9", "2.3.7"],
        holds: |seen| seen.refuses("/etc/group is longer than", |_| true),
        witness: || Case {
            group: Some([b"www:x:33:".to_vec(), vec![b'x'; 1 << 20]].concat()),
            ..plain()
        },
    },
    Known {
        name: "environment change without a key",
        reason: "the runtime refuses a variable without a name",
        only: &[],
        holds: |seen| seen.refuses("with a key", |_| true),
        witness: || with("env", json!(["=x"])),
    },
    Known {
        name: "invalid host name",
        reason: "the kernel refuses it, or programs cannot read it",
        only: &[],
        holds: |seen| {
            let refuses = |words: &str| {
                ["hostname", "domainname"]
                    .iter()
                    .any(|field| seen.refuses(&format!("options.{field}: {words}"), |_| true))
            };
            refuses("must not be empty or contain white space")
                || refuses("must be at most 64 bytes")
        },
        witness: || with("hostname", "a b"),
    },
    Known {
        name: "host or domain name in the host's UTS namespace",
        reason: "it would rename the host, and the runtime refuses it",
        only: &[],
        holds: |seen| seen.refuses("needs a private uts namespace", |_| true),
        witness: || Case {
            options: vec![
                Chosen::new("hostname", "h"),
                Chosen::new("namespaces", json!({"uts": "host"})),
            ],
            ..plain()
        },
    },
    Known {
        name: "ambient capability that is not permitted",
        reason: "the kernel does not grant it, and the runtime fails",
        only: &[],
        holds: |seen| seen.refuses("is not in the permitted set", |_| true),
        witness: || with("WithAmbientCapabilities", json!(["CAP_SYS_ADMIN"])),
    },
    Known {
        name: "console size without a terminal",
        reason: "without a terminal, the size has no meaning",
        only: &[],
        holds: |seen| seen.refuses("console_size: needs options.process.terminal", |_| true),
        witness: || with("WithTTYSize", json!([80, 24])),
    },
    Known {
        name: "two mounts with the same destination",
        reason: "the second hides the first",
        only: &[],
        holds: |seen| seen.refuses("is mounted on twice", |_| true),
        witness: || {
            let mount = json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs"});
            with("WithMounts", json!([mount, mount]))
        },
    },
    Known {
        name: "network device for the host's network namespace",
        reason: "the device is already in that namespace, and the runtime refuses it",
        only: &["2.2.9", "2.3.7", "2.4.2"],
        holds: |seen| seen.refuses("needs a network namespace that is not the host's", |_| true),
        witness: || Case {
            options: vec![
                Chosen::new("namespaces", json!({"network": "host"})),
                Chosen::new("net_devices", net_device()),
            ],
            ..plain()
        },
    },
    Known {
        name: "sysctl of a namespace that does not belong to the container",
        reason: "it would change the host, or another container, and the runtime refuses it",
        only: &[],
        holds: |seen| seen.refuses("needs a private network namespace", |_| true),
        witness: || Case {
            options: vec![
                Chosen::new("namespaces", json!({"network": "host"})),
                Chosen::new("sysctl", sysctl()),
            ],
            ..plain()
        },
    },
    Known {
        name: "deadline scheduling with a runtime below 1024 ns",
        reason: "sched_setattr(2) refuses it",
        only: &["1.7.36", "2.0.14", "2.1.9", "2.2.9", "2.3.7", "2.4.2"],
        holds: |seen| seen.refuses("scheduler.runtime: must be at least 1024", |_| true),
        witness: || {
            let times =
                |policy: &str| json!({"policy": policy, "runtime": 1, "deadline": 9, "period": 10});
            Case {
                options: vec![Chosen::new(
                    "scheduler",
                    json!({
                        "spec": {"process": {"scheduler": times("SCHED_DEADLINE")}},
                        "options": {"process": {"scheduler": times("SCHEDULER_POLICY_DEADLINE")}},
                    }),
                )],
                ..plain()
            }
        },
    },
    Known {
        name: "tmpfs with size 0",
        reason: "tmpfs treats 0 as no limit",
        only: &[],
        holds: |seen| seen.refuses("size_bytes: must be at least 1", |_| true),
        witness: || with("tmpfs", json!({"size": 0, "mode": 0, "exec": false})),
    },
    Known {
        name: "/dev/shm with size 0",
        reason: "tmpfs treats 0 as no limit",
        only: &[],
        holds: |seen| seen.refuses("dev_shm_size_kb: must be at least 1", |_| true),
        witness: || with("WithDevShmSize", 0),
    },
    Known {
        name: "mount to remove with an unclean path",
        reason: "/dev/ is /dev; Go's client cleans the path of the mount but not the given path",
        only: &[],
        holds: |seen| {
            let paths = values(seen, "WithoutMounts");
            let unclean = paths.iter().filter(|path| path.ends_with('/'));
            seen.ours.is_ok()
                && unclean.clone().any(|path| has_mount(&seen.go, path.trim_end_matches('/')))
        },
        witness: || with("WithoutMounts", json!(["/dev/"])),
    },
    devices::TWICE,
    devices::CDI_TWICE,
    devices::CDI_NEWER,
    devices::CDI_NOTHING,
    devices::CDI_ENV,
    devices::CDI_MODES,
    devices::CDI_ID_MAPS,
    Known {
        name: "privileged mode with a seccomp filter",
        reason: "the two contradict each other, and the result depends on their order",
        only: &[],
        holds: |seen| seen.refuses("which removes the filter", |_| true),
        witness: || Case {
            options: vec![
                Chosen::new("privileged", Value::Null),
                Chosen::new("seccompDefault", Value::Null),
            ],
            ..plain()
        },
    },
    Known {
        name: "invalid image USER that the request replaces",
        reason: "it is not used, so it does not have to exist, and the account files do not have to be valid",
        only: &[],
        holds: |seen| {
            seen.ours.is_ok()
                && USERS.iter().any(|name| has_option(seen, name))
                && user_error(&seen.go)
        },
        witness: || Case {
            options: vec![Chosen::new("user", "0:0")],
            ..image(&json!({"Cmd": ["sh"], "User": "ghost"}))
        },
    },
];

/// What the rows of `fields` are given in the witnesses.
fn net_device() -> Value {
    json!({
        "spec": {"linux": {"netDevices": {"eth1": {}}}},
        "options": {"namespaces": {"netDevices": {"eth1": ""}}},
    })
}

fn sysctl() -> Value {
    let sysctl = json!({"net.ipv4.ip_forward": "1"});
    json!({"spec": {"linux": {"sysctl": sysctl}}, "options": {"security": {"sysctl": sysctl}}})
}

fn old_rdt() -> Value {
    json!({
        "spec": {"linux": {"intelRdt": {"enableCMT": true}}},
        "options": {"resources": {"rdt": {"enableCmt": true}}},
    })
}

fn cwd(spec: &Value) -> &str {
    spec["process"]["cwd"].as_str().unwrap()
}

/// Whether what our refusal quotes is a number at least.
fn stated_number(seen: &Seen<'_>) -> bool {
    let (words, _) = seen.refused().unwrap_or_default();
    let quoted = words.rsplit_once("has \"").and_then(|(_, rest)| rest.split_once('"'));
    let digits = quoted.map(|(text, _)| text.trim_start_matches(['-', '+']));
    digits.is_some_and(|text| {
        let (number, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
        // Of a number that is too large Go's client does not read the rest.
        !number.is_empty() && (rest.is_empty() || number.parse::<u64>().is_err())
    })
}

fn has_nul(list: &Value) -> bool {
    list.as_array().into_iter().flatten().any(|text| text.as_str().unwrap().contains('\0'))
}

/// What an option that takes a list of strings is given.
fn values(seen: &Seen<'_>, option: &str) -> Vec<String> {
    let chosen = seen.case.options.iter().filter(|chosen| TABLE[chosen.row].name == option);
    let values = chosen.flat_map(|chosen| chosen.value.as_array().unwrap());
    values.map(|value| value.as_str().unwrap().to_owned()).collect()
}

fn has_mount(answer: &Answer, destination: &str) -> bool {
    let Answer::Spec(spec) = answer else {
        return false;
    };
    let spec: Value = serde_json::from_str(spec).unwrap();
    spec["mounts"].as_array().into_iter().flatten().any(|mount| mount["destination"] == destination)
}

fn is_signed_number(text: &str) -> bool {
    text.starts_with(['+', '-']) && text[1..].parse::<u32>().is_ok()
}

fn has_option(seen: &Seen<'_>, name: &str) -> bool {
    seen.case.options.iter().any(|chosen| TABLE[chosen.row].name == name)
}

fn identifier(text: &str) -> Result<(), specd::domain::ids::IdentifierError> {
    specd::domain::ids::check(text)
}

/// Whether Go's client could not resolve a user.
fn user_error(answer: &Answer) -> bool {
    let known = [
        "no users found",
        "no groups found",
        "etc/passwd: no such file",
        "etc/group: no such file",
        "USER value",
        "token too long",
    ];
    matches!(answer, Answer::Error(text) if known.iter().any(|words| text.contains(words)))
}
