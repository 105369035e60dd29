//! One more process in a container that is there: the process of its stored spec, changed.
//!
//! The steps work on types, the stored process is kept as it was written: what a step changes is put in its
//! place there, and nothing else is touched.
//!
//! Invariant: a field that nobody asked to change keeps its bytes, also one that no type here knows.

use crate::domain::request::Options;
use crate::domain::user::ProcessUser;
use crate::spec::assemble::{STEPS, run};
use crate::spec::draft::{CapabilityLists, Draft};
use crate::spec::encode::{Encoded, TYPE_URL, encode, unchecked};
use crate::spec::error::SpecError;
use crate::spec::kept::Kept;
use crate::spec::opt::Inputs;
use crate::spec::validate::check_part;
use serde_json::{Map, Value, json};

/// Steps of [`STEPS`] that are not taken for an exec: they are about the container. Any other is, so that
/// an option of the process cannot be forgotten.
const NOT_OF_AN_EXEC: [&str; 16] = [
    "image",
    "privileged",
    "rootfs",
    "mounts",
    "namespaces",
    "hostname",
    "cgroup",
    "resources",
    "rdt",
    "devices",
    "sysctl",
    "seccomp",
    "annotations",
    "hooks",
    "cdi",
    "oci_version",
];

/// The fields of a process in the order of the Go type, and within those of which a step may change a part.
const PROCESS: [(&str, &[&str]); 16] = [
    ("terminal", &[]),
    ("consoleSize", &[]),
    ("user", &["uid", "gid", "umask", "additionalGids", "username"]),
    ("args", &[]),
    ("commandLine", &[]),
    ("env", &[]),
    ("cwd", &[]),
    ("capabilities", &CapabilityLists::NAMES),
    ("rlimits", &[]),
    ("noNewPrivileges", &[]),
    ("apparmorProfile", &[]),
    ("oomScoreAdj", &[]),
    ("scheduler", &[]),
    ("selinuxLabel", &[]),
    ("ioPriority", &[]),
    ("execCPUAffinity", &[]),
];

/// Fields that are only ever replaced as a whole, and need not be understood.
const OPAQUE: [&str; 3] = ["scheduler", "ioPriority", "execCPUAffinity"];

/// The process of a stored spec.
#[derive(Debug, Clone)]
pub struct StoredProcess(Kept);

impl StoredProcess {
    /// Takes the process out of a stored spec, which is an `Any` with JSON in it.
    ///
    /// # Errors
    ///
    /// [`SpecError::Stored`] where it is of another type, no JSON, or has no process.
    pub fn read(type_url: &str, spec: &[u8]) -> Result<Self, SpecError> {
        if type_url != TYPE_URL {
            let text = format!("is of the type {type_url:?} and not {TYPE_URL:?}");
            return Err(SpecError::Stored(text));
        }
        let spec = Kept::read(spec).map_err(|error| unreadable("", &error))?;
        match spec.get("process") {
            None | Some("null") => Err(SpecError::Stored("has no process".to_owned())),
            Some(process) => {
                let process = Kept::read(process.as_bytes());
                process.map(Self).map_err(|error| unreadable(" at process", &error))
            }
        }
    }

    /// The user that the container's own process runs as.
    ///
    /// # Errors
    ///
    /// [`SpecError::Stored`] where the stored numbers are none.
    pub fn user(&self) -> Result<ProcessUser, SpecError> {
        let draft = self.draft(&Options::default())?;
        let user = draft.process.user();
        let additional_gids = user.additional_gids().clone().unwrap_or_default();
        Ok(ProcessUser { uid: user.uid(), gid: user.gid(), additional_gids })
    }

    /// The process with what the options change in it.
    ///
    /// containerd: `ctr tasks exec`.
    ///
    /// # Errors
    ///
    /// [`SpecError::Request`] where what is asked for is refused, [`SpecError::Stored`] where what is stored
    /// cannot be understood and has to be.
    pub fn changed(mut self, inputs: &Inputs<'_>) -> Result<Encoded, SpecError> {
        let mut draft = self.draft(inputs.options)?;
        let before = encoded(draft.clone(), unchecked)?;
        let steps = STEPS.iter().filter(|(name, _)| !NOT_OF_AN_EXEC.contains(name));
        run(steps, inputs, &mut draft).map_err(of_stored)?;
        let warnings = std::mem::take(&mut draft.warnings);
        let check = |spec: &Value| {
            check_part(spec, &["process"], inputs.options)?;
            Ok(Vec::new())
        };
        let after = encoded(draft, check).map_err(of_stored)?;
        check_around(&before, &after)?;
        let process = |spec: &Kept| spec.object("process").unwrap_or_default();
        self.0
            .follow(&process(&before), &process(&after), &PROCESS)
            .map_err(|error| broken(&error))?;
        let json = serde_json::to_vec(&self.0).map_err(|error| broken(&error))?;
        Ok(Encoded { json, warnings })
    }

    /// As much of the process as the options have to understand, in a spec with nothing else in it.
    fn draft(&self, options: &Options) -> Result<Draft, SpecError> {
        let mut process = Map::from_iter([("cwd".to_owned(), json!(""))]);
        process.insert("user".to_owned(), json!({"uid": 0, "gid": 0}));
        for (name, text) in self.0.iter() {
            if text != "null" && is_understood(name, options) {
                let value = serde_json::from_str(text);
                let value =
                    value.map_err(|error| unreadable(&format!(" at process.{name}"), &error))?;
                process.insert(name.to_owned(), value);
            }
        }
        alone(&process.into()).map_err(|reason| no_process(&reason))
    }
}

/// A draft with a process and nothing else.
pub(crate) fn alone(process: &Value) -> Result<Draft, String> {
    Draft::take(json!({
        "ociVersion": "1.0.0", "process": process, "root": {"path": ""}, "mounts": [], "linux": {},
    }))
}

/// Whether a field's value is read. One that is only kept may hold what no type here knows.
fn is_understood(name: &str, options: &Options) -> bool {
    let capabilities = &options.capabilities;
    match name {
        "capabilities" => {
            let lists = [&capabilities.add, &capabilities.drop, &capabilities.ambient];
            capabilities.set.is_some() || lists.iter().any(|list| !list.is_empty())
        }
        "rlimits" => !options.process.rlimits.is_empty(),
        name => PROCESS.iter().any(|(known, _)| *known == name) && !OPAQUE.contains(&name),
    }
}

/// What an image would have to answer for, the stored process has.
fn of_stored(error: SpecError) -> SpecError {
    match error {
        SpecError::Image(text) => no_process(&text),
        other @ (SpecError::Request(_) | SpecError::Stored(_) | SpecError::Profile { .. }) => other,
    }
}

/// A draft by its encoded fields.
fn encoded(
    draft: Draft,
    check: impl FnOnce(&Value) -> Result<Vec<String>, SpecError>,
) -> Result<Kept, SpecError> {
    Kept::read(&encode(draft, None, check)?.json).map_err(|error| broken(&error))
}

/// Refuses what would have to change the container around the process: it would be lost.
fn check_around(before: &Kept, after: &Kept) -> Result<(), SpecError> {
    match after.iter().find(|(name, _)| *name != "process" && before.differs(after, name)) {
        None => Ok(()),
        Some((section, text)) => {
            let text = format!("has what only the container can have: {section} {text}");
            Err(SpecError::field("options", text))
        }
    }
}

fn no_process(reason: &str) -> SpecError {
    SpecError::Stored(format!("has a process that is none: {reason}"))
}

fn unreadable(place: &str, error: &serde_json::Error) -> SpecError {
    SpecError::Stored(format!("cannot be read{place}: {error}"))
}

fn broken(error: &serde_json::Error) -> SpecError {
    SpecError::Profile { name: "a part of the spec".to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::host_facts::HostFacts;
    use crate::domain::ids::ContainerId;
    use crate::domain::image_rules::ImageRules;
    use crate::domain::platform::Platform;
    use crate::domain::request::{CapabilityOptions, ProcessOptions, Rlimit, UserOptions};
    use crate::spec::Equipment;
    use crate::spec::profile::Profiles;

    fn stored(process: &str) -> StoredProcess {
        let spec = format!(r#"{{"ociVersion":"1.2.0","process":{process},"root":{{}}}}"#);
        StoredProcess::read(TYPE_URL, spec.as_bytes()).unwrap()
    }

    fn changed(
        process: &str,
        options: &Options,
        user: Option<&ProcessUser>,
    ) -> Result<String, SpecError> {
        let profiles = Profiles::built_in("function").unwrap();
        let inputs = Inputs {
            equipment: &Equipment::default(),
            id: &ContainerId::parse("web-1").unwrap(),
            host: &HostFacts::default(),
            platform: &Platform::new("linux", "amd64", ""),
            seccomp: &profiles.get(None).unwrap().seccomp,
            rules: ImageRules::Oci,
            image: None,
            options,
            user,
        };
        let encoded = stored(process).changed(&inputs)?;
        Ok(String::from_utf8(encoded.json).unwrap())
    }

    /// Options that run `id`, without a terminal.
    fn id() -> Options {
        let process = ProcessOptions {
            command: Some(vec!["id".to_owned()]),
            terminal: Some(false),
            ..ProcessOptions::default()
        };
        Options { process, ..Options::default() }
    }

    #[test]
    fn what_nobody_asked_for_keeps_its_bytes() {
        let written = r#"{"x":[1.50, 2e3],"terminal":true,"user":{ "uid":7,"gid":8 },"args":["a"],"env":["B=", "A=<b>\u00e9"],"cwd":"/s\u002f","capabilities":{"bounding":["CAP_INVENTED"]},"rlimits":[ ],"oomScoreAdj":-5,"scheduler":{"policy":"?"}}"#;
        let wanted = written.replace(r#""terminal":true,"#, "").replace(r#"["a"]"#, r#"["id"]"#);
        assert_eq!(changed(written, &id(), None).unwrap(), wanted);
    }

    #[test]
    fn what_is_new_stands_where_go_has_it() {
        let mut options = id();
        options.process.terminal = Some(true);
        options.process.console_size = Some((24, 80));
        options.process.env = vec!["A=<b>".to_owned()];
        options.process.oom_score_adj = Some(3);
        options.process.rlimits = vec![Rlimit { name: "RLIMIT_CORE".to_owned(), hard: 2, soft: 1 }];
        options.user = UserOptions { umask: Some(0o22), ..UserOptions::default() };
        let set = Some(vec!["KILL".to_owned()]);
        options.capabilities = CapabilityOptions { set, ..CapabilityOptions::default() };
        options.security.no_new_privileges = Some(true);
        options.security.apparmor_profile = Some("p".to_owned());
        options.security.selinux_label = Some("l".to_owned());
        let user = ProcessUser { uid: 1, gid: 2, additional_gids: vec![2] };
        assert_eq!(
            changed(r#"{"user":{"uid":0,"gid":0},"cwd":"/"}"#, &options, Some(&user)).unwrap(),
            r#"{"terminal":true,"consoleSize":{"height":24,"width":80},"user":{"uid":1,"gid":2,"umask":18,"additionalGids":[2]},"args":["id"],"env":["A=\u003cb\u003e","TERM=xterm"],"cwd":"/","capabilities":{"bounding":["CAP_KILL"],"effective":["CAP_KILL"],"permitted":["CAP_KILL"]},"rlimits":[{"type":"RLIMIT_CORE","hard":2,"soft":1}],"noNewPrivileges":true,"apparmorProfile":"p","oomScoreAdj":3,"selinuxLabel":"l"}"#
        );
    }

    #[test]
    fn a_user_that_is_absent_or_null_is_written_whole() {
        let user = ProcessUser { uid: 1, gid: 0, additional_gids: vec![0] };
        for written in [r#"{"cwd":"/"}"#, r#"{"user":null,"cwd":"/"}"#] {
            let got = changed(written, &id(), Some(&user)).unwrap();
            let wanted =
                r#"{"user":{"uid":1,"gid":0,"additionalGids":[0]},"args":["id"],"cwd":"/"}"#;
            assert_eq!(got, wanted);
        }
    }

    #[test]
    fn dropping_every_capability_leaves_an_empty_object() {
        let mut options = id();
        options.capabilities.drop = vec!["ALL".to_owned()];
        let written =
            r#"{"cwd":"/","capabilities":{"bounding":["CAP_KILL"],"ambient":["CAP_KILL"]}}"#;
        let wanted = r#"{"args":["id"],"cwd":"/","capabilities":{}}"#;
        assert_eq!(changed(written, &options, None).unwrap(), wanted);
    }

    #[test]
    fn what_is_stored_and_no_process_is_told() {
        let numbers = stored(r#"{"user":{"uid":-1,"gid":0},"cwd":"/"}"#).user().unwrap_err();
        assert!(matches!(numbers, SpecError::Stored(_)), "{numbers}");
        assert!(numbers.to_string().contains("has a process that is none"), "{numbers}");
        let user = stored(r#"{"user":{"uid":7,"gid":8,"additionalGids":[9]}}"#).user().unwrap();
        assert_eq!(user, ProcessUser { uid: 7, gid: 8, additional_gids: vec![9] });
    }

    #[test]
    fn what_is_not_in_the_set_does_not_stay_ambient() {
        let mut options = id();
        options.capabilities.set = Some(vec!["KILL".to_owned()]);
        let written = r#"{"cwd":"/","capabilities":{"ambient":["CAP_BPF"]}}"#;
        let wanted = r#"{"args":["id"],"cwd":"/","capabilities":{"bounding":["CAP_KILL"],"effective":["CAP_KILL"],"permitted":["CAP_KILL"]}}"#;
        assert_eq!(changed(written, &options, None).unwrap(), wanted);
    }

    /// What is no part of a process would be lost without a word.
    #[test]
    fn what_only_the_container_can_have_is_refused() {
        let mut options = id();
        options.security.masked_paths = Some(vec!["/proc/kcore".to_owned()]);
        let error = changed(r#"{"cwd":"/"}"#, &options, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"options: has what only the container can have: linux {"maskedPaths":["/proc/kcore"]}"#
        );
    }

    /// A step that is renamed would be taken for an exec.
    #[test]
    fn what_is_not_of_an_exec_is_a_step() {
        for name in NOT_OF_AN_EXEC {
            assert!(STEPS.iter().any(|(step, _)| *step == name), "{name}");
        }
    }
}
