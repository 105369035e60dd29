//! A spec taken apart, so that the sections which every container has are no `Option`s, and so that
//! lists which oci-spec holds as sets keep their order.
//!
//! Invariant: taking apart and putting together loses nothing.

use crate::spec::error::SpecError;
use oci_spec::runtime::{Capability, Hook, Linux, LinuxCapabilities, Mount, Process, Root, Spec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
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

    /// Whether a list has a capability.
    pub(crate) fn has(&self, name: &str, one: Capability) -> bool {
        self.list(name).contains(&one)
    }

    /// Each list that is there, by its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[Capability])> {
        self.0.iter().map(|(name, list)| (*name, list.as_slice()))
    }
}

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
    rest: Spec,
}

impl Draft {
    /// Takes a spec apart.
    ///
    /// # Errors
    ///
    /// A sentence with the path of the first thing that is missing or wrong.
    pub fn take(json: Value) -> Result<Self, String> {
        let process = json.get("process").ok_or("process is missing")?;
        let capabilities = CapabilityLists::take(process)?;
        let mut spec: Spec = serde_json::from_value(json).map_err(|error| error.to_string())?;
        let mut process = spec.process_mut().take().ok_or("process is missing")?;
        process.set_capabilities(None::<LinuxCapabilities>);
        Ok(Self {
            process,
            capabilities,
            root: spec.root_mut().take().ok_or("root is missing")?,
            mounts: spec.mounts_mut().take().ok_or("mounts is missing")?,
            linux: spec.linux_mut().take().ok_or("linux is missing")?,
            warnings: Vec::new(),
            rest: spec,
        })
    }

    /// The annotations.
    pub(crate) fn annotations(&self) -> &Option<HashMap<String, String>> {
        self.rest.annotations()
    }

    /// Sets the annotations.
    pub(crate) fn set_annotations(&mut self, annotations: HashMap<String, String>) {
        self.rest.set_annotations(Some(annotations));
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

    /// Puts the spec together, but for the capabilities.
    pub(crate) fn into_spec(self) -> (Spec, CapabilityLists) {
        let mut spec = self.rest;
        spec.set_process(Some(self.process));
        spec.set_root(Some(self.root));
        spec.set_mounts(Some(self.mounts));
        spec.set_linux(Some(self.linux));
        (spec, self.capabilities)
    }
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
