//! A spec taken apart, so that the sections which every container has are no `Option`s, and so that
//! lists which oci-spec holds as sets keep their order.
//!
//! Invariant: taking apart and putting together loses nothing.

use oci_spec::runtime::{Capability, Linux, LinuxCapabilities, Mount, Process, Root, Spec};
use serde::Deserialize;
use serde_json::Value;

/// The capability lists of a process, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CapabilityLists(Vec<(&'static str, Vec<Capability>)>);

/// The names of the lists, in the order of the runtime specification.
const LISTS: [&str; 5] = ["bounding", "effective", "inheritable", "permitted", "ambient"];

impl CapabilityLists {
    fn take(process: &Value) -> Result<Self, String> {
        let mut lists = Vec::new();
        for name in LISTS {
            let Some(list) = process.pointer(&format!("/capabilities/{name}")) else {
                continue;
            };
            let list = Vec::<Capability>::deserialize(list)
                .map_err(|error| format!("process.capabilities.{name}: {error}"))?;
            lists.push((name, list));
        }
        Ok(Self(lists))
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
