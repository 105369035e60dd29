//! A spec taken apart, so that the sections which every container has are no `Option`s, so that lists
//! which oci-spec holds as sets keep their order, and so that fields which it does not know are kept.
//!
//! Invariant: taking apart and putting together loses nothing.

use crate::spec::beyond;
use crate::spec::error::SpecError;
use crate::spec::journal::Journal;
use crate::spec::merge_patch;
use oci_spec::runtime::{
    Capability, Hook, Hooks, Linux, LinuxCapabilities, Mount, Process, Root, Spec,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The capability lists of a process, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CapabilityLists(Vec<(&'static str, Vec<Capability>)>);

impl CapabilityLists {
    /// The names of the lists, in the order of the runtime specification.
    pub const NAMES: [&str; 5] = ["bounding", "effective", "inheritable", "permitted", "ambient"];

    fn take(process: &Value) -> Result<Self, String> {
        let mut lists = Vec::new();
        for name in Self::NAMES {
            let Some(list) = process.pointer(&format!("/capabilities/{name}")) else {
                continue;
            };
            let list = Vec::<Capability>::deserialize(list)
                .map_err(|error| format!("process.capabilities.{name}: {error}"))?;
            lists.push((name, list));
        }
        Ok(Self(lists))
    }

    /// Changes a list, be it there or not.
    pub(crate) fn edit(&mut self, name: &'static str, change: impl FnOnce(&mut Vec<Capability>)) {
        let mut list = self.list(name).to_vec();
        change(&mut list);
        self.replace(name, list);
    }

    /// Puts a list in the place of another; an empty one is none.
    pub(crate) fn replace(&mut self, name: &'static str, list: Vec<Capability>) {
        self.0.retain(|(other, _)| *other != name);
        if !list.is_empty() {
            self.0.push((name, list));
            let position = |name: &str| Self::NAMES.iter().position(|other| *other == name);
            self.0.sort_by_key(|(name, _)| position(name));
        }
    }

    /// A list; empty where there is none.
    pub(crate) fn list(&self, name: &str) -> &[Capability] {
        self.0.iter().find(|(other, _)| *other == name).map_or(&[], |(_, list)| list)
    }

    /// Each list that is there, by its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[Capability])> {
        self.0.iter().map(|(name, list)| (*name, list.as_slice()))
    }
}

/// What [`Draft`] has as fields of its own.
const SECTIONS: [&str; 4] = ["process", "root", "mounts", "linux"];

/// A spec that is being made.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The process. Its capabilities are in [`Draft::capabilities`].
    pub process: Process,
    /// The capabilities of the process.
    pub capabilities: CapabilityLists,
    /// The root filesystem.
    pub root: Root,
    /// The mounts, in the order in which they are made.
    pub mounts: Vec<Mount>,
    /// The Linux section.
    pub linux: Linux,
    /// What was filled in or will matter later, for the caller.
    pub warnings: Vec<String>,
    /// What happened to it so far, where somebody wants to know.
    pub(super) journal: Option<Box<Journal>>,
    rest: Spec,
    beyond: Map<String, Value>,
}

impl Draft {
    /// Takes a spec apart.
    ///
    /// # Errors
    ///
    /// A sentence with the path of the first thing that is missing or wrong.
    pub fn take(mut json: Value) -> Result<Self, String> {
        let process = json.get("process").ok_or("process is missing")?;
        let capabilities = CapabilityLists::take(process)?;
        let mut apart = Value::Object(beyond::apart_of_spec(&mut json));
        let mut spec = Spec::deserialize(&json).map_err(|error| error.to_string())?;
        let held = serde_json::to_value(&spec).map_err(|error| error.to_string())?;
        let lost = beyond::lost(json, &held)
            .map_err(|path| format!("{path} is a field that is not known"))?;
        merge_patch::apply(&mut apart, lost.unwrap_or_else(|| Value::Object(Map::new())));
        let mut process = spec.process_mut().take().ok_or("process is missing")?;
        process.set_capabilities(None::<LinuxCapabilities>);
        Ok(Self {
            process,
            capabilities,
            root: spec.root_mut().take().ok_or("root is missing")?,
            mounts: spec.mounts_mut().take().ok_or("mounts is missing")?,
            linux: spec.linux_mut().take().ok_or("linux is missing")?,
            warnings: Vec::new(),
            journal: None,
            rest: spec,
            beyond: object(Some(apart)),
        })
    }

    /// Merges a patch (RFC 7396) into the process; what its type cannot hold is kept beside it.
    pub(crate) fn merge_process(&mut self, patch: Value) -> Result<(), SpecError> {
        merge(&mut self.process, &mut self.beyond, Some("process"), patch)
    }

    /// The same for the Linux section.
    pub(crate) fn merge_linux(&mut self, patch: Value) -> Result<(), SpecError> {
        merge(&mut self.linux, &mut self.beyond, Some("linux"), patch)
    }

    /// The same for what is in no section of its own here: the version, the hooks.
    pub(crate) fn merge_rest(&mut self, patch: Value) -> Result<(), SpecError> {
        merge(&mut self.rest, &mut self.beyond, None, patch)
    }

    /// The annotations.
    pub(crate) fn annotations(&self) -> &Option<HashMap<String, String>> {
        self.rest.annotations()
    }

    /// Sets the annotations.
    pub(crate) fn set_annotations(&mut self, annotations: HashMap<String, String>) {
        self.rest.set_annotations(Some(annotations));
    }

    /// The hooks.
    pub(crate) fn hooks(&self) -> &Option<Hooks> {
        self.rest.hooks()
    }

    /// Adds a hook to those of a time, by the time's name in the specification; an unknown time has none.
    pub(crate) fn add_hook(&mut self, time: &str, hook: Hook) {
        let mut hooks = self.rest.hooks().clone().unwrap_or_default();
        let list = match time {
            "prestart" => hooks.prestart_mut(),
            "createRuntime" => hooks.create_runtime_mut(),
            "createContainer" => hooks.create_container_mut(),
            "startContainer" => hooks.start_container_mut(),
            "poststart" => hooks.poststart_mut(),
            "poststop" => hooks.poststop_mut(),
            _ => return,
        };
        list.get_or_insert_default().push(hook);
        self.rest.set_hooks(Some(hooks));
    }

    /// The domain name.
    pub(crate) fn set_domainname(&mut self, domainname: Option<String>) {
        self.rest.set_domainname(domainname);
    }

    /// The host name.
    pub fn set_hostname(&mut self, hostname: Option<String>) {
        self.rest.set_hostname(hostname);
    }

    /// What is left of the spec beside the sections that are taken out of it.
    pub(crate) fn rest(&self) -> &Spec {
        &self.rest
    }

    /// What no type holds, by where it stands.
    pub(crate) fn beyond(&self) -> &Map<String, Value> {
        &self.beyond
    }
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

/// Merges a patch into a part of the spec, be it a section or what is in none.
fn merge<T: Serialize + DeserializeOwned>(
    part: &mut T,
    beyond: &mut Map<String, Value>,
    section: Option<&str>,
    patch: Value,
) -> Result<(), SpecError> {
    let kept = match section {
        Some(section) => object(beyond.get(section).cloned()),
        None => {
            let rest = beyond.iter().filter(|(key, _)| !SECTIONS.contains(&key.as_str()));
            rest.map(|(key, value)| (key.clone(), value.clone())).collect()
        }
    };
    let mut json = to_json(part)?;
    beyond::lay(&mut json, &kept);
    merge_patch::apply(&mut json, patch);
    let mut apart = beyond::apart(section.unwrap_or_default(), &mut json);
    *part = T::deserialize(&json).map_err(|error| broken(&error))?;
    let lost = beyond::lost(json, &to_json(part)?).map_err(|path| SpecError::Profile {
        name: "a part of the spec".to_owned(),
        reason: path,
    })?;
    apart.extend(object(lost));
    match section {
        None => {
            beyond.retain(|key, _| SECTIONS.contains(&key.as_str()));
            beyond.extend(apart);
        }
        Some(section) => {
            beyond.insert(section.to_owned(), apart.into());
        }
    }
    Ok(())
}

/// A part of a spec as JSON.
pub(crate) fn to_json(part: &impl Serialize) -> Result<Value, SpecError> {
    serde_json::to_value(part).map_err(|error| broken(&error))
}

/// A part of a spec out of JSON, where what was checked before always fits.
pub(crate) fn from_json<T: DeserializeOwned>(json: Value) -> Result<T, SpecError> {
    serde_json::from_value(json).map_err(|error| broken(&error))
}

fn broken(error: &serde_json::Error) -> SpecError {
    SpecError::Profile { name: "a part of the spec".to_owned(), reason: error.to_string() }
}
