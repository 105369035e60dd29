//! One more process in a container: the process of its stored spec, changed.
//!
//! Invariant: a field that nobody asked to change keeps its value, unknown fields included.

use crate::oci::{self, Linux, Member, Place, Process};
use crate::spec::assemble::{Attempt, take_steps};
use crate::spec::assembly::Assembly;
use crate::spec::encode::{Encoded, TYPE_URL};
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;
use crate::spec::provenance::Provenance;
use crate::spec::rules::Broken;
use crate::spec::steps::{STEPS, Scope};
use crate::spec::{blame, rules};
use crate::users::user::ProcessUser;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The process of a stored spec.
#[derive(Debug, Clone)]
pub struct StoredProcess {
    process: Process,
    /// The namespaces with their mappings, which the process is judged by.
    linux: Linux,
}

impl StoredProcess {
    /// Reads the process of a stored spec, which is an `Any` with JSON in it.
    ///
    /// # Errors
    ///
    /// [`SpecError::Stored`] where the `Any` has another type, is not JSON, or has no valid process.
    pub fn read(type_url: &str, spec: &[u8]) -> Result<Self, SpecError> {
        #[derive(Deserialize)]
        struct Stored {
            process: Option<Value>,
            #[serde(default)]
            linux: Map<String, Value>,
        }
        if type_url != TYPE_URL {
            let text = format!("has the type {type_url:?} and not {TYPE_URL:?}");
            return Err(SpecError::Stored(text));
        }
        let Stored { process, mut linux } = serde_json::from_slice(spec)
            .map_err(|error| SpecError::Stored(format!("is not valid JSON: {error}")))?;
        let process = process.ok_or_else(|| SpecError::Stored("has no process".to_owned()))?;
        linux.retain(|key, _| ["namespaces", "uidMappings", "gidMappings"].contains(&key.as_str()));
        let linux = read_section("linux", Value::Object(linux))?;
        Ok(Self { process: read_section("process", process)?, linux })
    }

    /// The user that the container's own process runs as.
    #[must_use]
    pub fn user(&self) -> ProcessUser {
        let user = &self.process.user;
        ProcessUser { uid: user.uid, gid: user.gid, additional_gids: user.additional_gids.clone() }
    }

    /// Applies the options to the process, as far as that is cheap.
    ///
    /// containerd: `ctr tasks exec`.
    ///
    /// # Errors
    ///
    /// [`SpecError::Request`] where an option is refused, for example because it is about the container.
    pub fn attempt_change(
        self,
        inputs: &Inputs<'_>,
    ) -> Result<Attempt<Encoded, BrokenProcess>, SpecError> {
        let mut changed = self.assemble(inputs, false)?;
        refuse_changes_of_container(&changed.spec)?;
        changed.spec.linux = Some(self.linux.clone());
        let broken = rules::find_broken_while(&changed.spec, inputs.host, inputs.allowance)?;
        let broken = blame::refused_in_part(broken, &["process"]);
        if !broken.is_empty() {
            return Ok(Attempt::Broken(Box::new(BrokenProcess { stored: self, changed, broken })));
        }
        if !changed.refused.is_empty() {
            return Err(changed.refused.into());
        }
        encode(&changed).map(Attempt::Finished)
    }

    /// A spec with nothing but the process, changed by the steps that are about a process.
    fn assemble(&self, inputs: &Inputs<'_>, recorded: bool) -> Result<Assembly, SpecError> {
        let spec = oci::Spec { process: Some(self.process.clone()), ..oci::Spec::default() };
        let provenance = recorded.then(|| Provenance::of_stored(&spec)).transpose()?;
        let mut assembly = Assembly::new(spec, provenance);
        let steps = STEPS.iter().filter(|step| step.scope == Scope::Process);
        take_steps(steps, inputs, &mut assembly, None).map_err(as_stored)?;
        Ok(assembly)
    }
}

/// Reads a section of a stored spec.
fn read_section<T: Member + DeserializeOwned>(name: &str, json: Value) -> Result<T, SpecError> {
    oci::json::from_value(json).map_err(|wrong| {
        let wrong = wrong.into_iter().map(|mut one| {
            one.place.0.insert(0, name.into());
            one.to_string()
        });
        let wrong = wrong.collect::<Vec<_>>().join("; ");
        SpecError::Stored(format!("has an invalid {name}: {wrong}"))
    })
}

/// A changed process that breaks rules.
#[derive(Debug)]
pub struct BrokenProcess {
    stored: StoredProcess,
    changed: Assembly,
    broken: Vec<Broken>,
}

impl BrokenProcess {
    /// Refuses the process, unless it was stored like that.
    ///
    /// # Errors
    ///
    /// Every refusal at once.
    pub fn judge(self, inputs: &Inputs<'_>) -> Result<Encoded, SpecError> {
        let recorded = self.stored.assemble(inputs, true)?;
        blame::judge_request(self.broken, &recorded, inputs.options)?;
        encode(&self.changed)
    }
}

fn encode(changed: &Assembly) -> Result<Encoded, SpecError> {
    let json = oci::json::to_vec(&changed.spec.process)?;
    Ok(Encoded { json, warnings: changed.warnings.clone() })
}

/// An error that an image causes is caused by the stored process here.
fn as_stored(error: SpecError) -> SpecError {
    match error {
        SpecError::Image(text) => SpecError::Stored(format!("has an invalid process: {text}")),
        other @ (SpecError::Request(_)
        | SpecError::Stored(_)
        | SpecError::Unwanted
        | SpecError::TooLarge(_)
        | SpecError::Internal(_)) => other,
    }
}

/// Refuses options that change the container around the process: the change would be lost.
fn refuse_changes_of_container(spec: &oci::Spec) -> Result<(), SpecError> {
    let around = serde_json::to_value(oci::Spec { process: None, ..spec.clone() })?;
    let linux = around.get("linux").and_then(Value::as_object);
    let changed = linux.and_then(|linux| linux.keys().next());
    let section = changed.map(|key| Place(vec!["linux".into(), key.as_str().into()]).to_string());
    match section {
        None => Ok(()),
        Some(section) => {
            let text = format!("cannot change {section} in an exec: it belongs to the container");
            Err(SpecError::field("options", text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::host_facts::HostFacts;
    use crate::domain::ids::ContainerId;
    use crate::domain::image_rules::ImageRules;
    use crate::domain::request::{
        CapabilityOptions, Options, PathChanges, ProcessOptions, UserOptions,
    };
    use crate::domain::sandbox::{Additions, UserMounts};
    use crate::image::platform::Platform;
    use crate::spec::profile::Profiles;
    use crate::spec::{Allowance, Equipment};
    use crate::users::user::{Account, UserSpec};

    fn stored(process: &str) -> Result<StoredProcess, SpecError> {
        let spec = format!(r#"{{"ociVersion":"1.2.0","process":{process},"root":{{}}}}"#);
        StoredProcess::read(TYPE_URL, spec.as_bytes())
    }

    fn changed(
        process: &str,
        options: &Options,
        user: Option<&ProcessUser>,
    ) -> Result<String, SpecError> {
        changed_on(&HostFacts::default(), process, options, user)
    }

    fn changed_on(
        host: &HostFacts,
        process: &str,
        options: &Options,
        user: Option<&ProcessUser>,
    ) -> Result<String, SpecError> {
        let profiles = Profiles::built_in("function").unwrap();
        let inputs = Inputs {
            equipment: &Equipment::default(),
            id: &ContainerId::parse("web-1").unwrap(),
            host,
            platform: &Platform::new("linux", "amd64", ""),
            seccomp: &profiles.get(None).unwrap().seccomp,
            rules: ImageRules::Oci,
            user_mounts: UserMounts::Keep,
            additions: Additions::default(),
            image: None,
            options,
            user,
            allowance: Allowance::UNLIMITED,
        };
        let encoded = match stored(process)?.attempt_change(&inputs)? {
            Attempt::Finished(encoded) => encoded,
            Attempt::Broken(broken) => broken.judge(&inputs)?,
        };
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
    fn fields_that_nobody_asked_to_change_keep_their_values() {
        let written = r#"{"x":[1.50, 2e3],"terminal":true,"user":{ "uid":7,"gid":8,"y":1 },"args":["a"],"env":["B=", "A=<b>\u00e9"],"cwd":"/s\u002f","capabilities":{"bounding":["CAP_INVENTED"]},"rlimits":[{"type":"RLIMIT_INVENTED","hard":1,"soft":2,"z":{}}],"oomScoreAdj":-5,"scheduler":{"policy":"?"}}"#;
        let wanted = r#"{"user":{"uid":7,"gid":8,"y":1},"args":["id"],"env":["B=","A=\u003cb\u003eé"],"cwd":"/s/","capabilities":{"bounding":["CAP_INVENTED"]},"rlimits":[{"type":"RLIMIT_INVENTED","hard":1,"soft":2,"z":{}}],"oomScoreAdj":-5,"scheduler":{"policy":"?"},"x":[1.5,2000.0]}"#;
        assert_eq!(changed(written, &id(), None).unwrap(), wanted);
    }

    #[test]
    fn a_user_is_mapped_in_the_containers_user_namespace() {
        let user = |id| ProcessUser { uid: id, gid: 5, additional_gids: vec![5, 9] };
        let mapped = r#""uidMappings":[{"containerID":0,"hostID":100000,"size":2000}],"gidMappings":[{"containerID":0,"hostID":100000,"size":10}]"#;
        let container = |namespace: &str, process: &str| {
            format!(r#"{process},"linux":{{"namespaces":[{namespace}],{mapped},"devices":7}}"#)
        };
        let (private, process) = (r#"{"type":"user"}"#, r#"{"cwd":"/"}"#);
        let mut options = id();
        options.user.user = Some(UserSpec { user: Account::Id(2000), group: None });
        let run =
            |namespace, id| changed(&container(namespace, process), &options, Some(&user(id)));
        let refused = run(private, 2000).unwrap_err().to_string();
        assert_eq!(refused, "options.user.user: uid 2000 is not mapped");
        for (namespace, id) in
            [(private, 1999), (r#"{"type":"user","path":"/n"}"#, 2000), ("", 2000)]
        {
            assert!(run(namespace, id).unwrap().contains(&format!(r#""uid":{id}"#)));
        }
        // What was stored is not judged.
        let process = r#"{"user":{"uid":7777,"gid":0},"cwd":"/"}"#;
        assert!(changed(&container(private, process), &id(), None).is_ok());
    }

    #[test]
    fn new_fields_stand_where_go_has_them() {
        let mut options = id();
        options.process.terminal = Some(true);
        options.process.console_size =
            Some(oci::ConsoleSize { height: 24, width: 80, ..oci::ConsoleSize::default() });
        options.process.env = vec!["A=<b>".to_owned()];
        options.process.oom_score_adj = Some(3);
        let kind = "RLIMIT_CORE".to_owned();
        options.process.rlimits =
            vec![oci::Rlimit { kind, hard: 2, soft: 1, ..oci::Rlimit::default() }];
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
        let wanted = r#"{"user":{"uid":0,"gid":0},"args":["id"],"cwd":"/","capabilities":{}}"#;
        assert_eq!(changed(written, &options, None).unwrap(), wanted);
    }

    #[test]
    fn an_invalid_stored_process_is_reported() {
        let error = stored(r#"{"user":{"uid":-1,"gid":0},"cwd":"/"}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the stored spec has an invalid process: process.user.uid: must be a whole number from 0 to 4294967295"
        );
        let user = stored(r#"{"user":{"uid":7,"gid":8,"additionalGids":[9]}}"#).unwrap().user();
        assert_eq!(user, ProcessUser { uid: 7, gid: 8, additional_gids: vec![9] });
    }

    #[test]
    fn capabilities_outside_a_new_set_do_not_stay_ambient() {
        let mut options = id();
        options.capabilities.set = Some(vec!["KILL".to_owned()]);
        let written = r#"{"cwd":"/","capabilities":{"ambient":["CAP_BPF"]}}"#;
        let wanted = r#"{"user":{"uid":0,"gid":0},"args":["id"],"cwd":"/","capabilities":{"bounding":["CAP_KILL"],"effective":["CAP_KILL"],"permitted":["CAP_KILL"]}}"#;
        assert_eq!(changed(written, &options, None).unwrap(), wanted);
    }

    #[test]
    fn only_what_the_request_sets_is_judged() {
        let mut options = id();
        options.process.oom_score_adj = Some(2000);
        let written = r#"{"cwd":"relative","env":["NOEQUALS"],"oomScoreAdj":1}"#;
        let Err(SpecError::Request(wrong)) = changed(written, &options, None) else { panic!() };
        let fields: Vec<&str> = wrong.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["options.process.oom_score_adj"]);
    }

    #[test]
    fn an_apparmor_profile_must_be_loaded_if_the_process_gets_it() {
        let host = HostFacts { apparmor_profiles: Some(Vec::new()), ..HostFacts::default() };
        let mut options = id();
        options.security.apparmor_profile = Some("p".to_owned());
        let Err(SpecError::Request(wrong)) = changed_on(&host, r#"{"cwd":"/"}"#, &options, None)
        else {
            panic!()
        };
        let fields: Vec<&str> = wrong.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["options.security.apparmor_profile"]);
        // The container's own, which it has been started with.
        let stored = r#"{"cwd":"/","apparmorProfile":"p"}"#;
        assert!(changed_on(&host, stored, &id(), None).is_ok());
    }

    /// Options that a process does not have would be lost.
    #[test]
    fn options_of_the_container_are_refused() {
        let mut options = id();
        let add = vec!["/proc/kcore".to_owned()];
        options.security.masked_paths =
            Some(Box::new(PathChanges { add, ..PathChanges::default() }));
        let error = changed(r#"{"cwd":"/"}"#, &options, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "options: cannot change linux.maskedPaths in an exec: it belongs to the container"
        );
    }
}
