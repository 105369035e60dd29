//! The spec as a whole.

use crate::oci::{EncodedOnce, Hooks, Linux, Mount, Process, Root, object};
use serde_json::Value;
use std::collections::BTreeMap;

object! {
    /// A runtime spec: a container's `config.json`.
    Spec {
        oci_version: String = "ociVersion" (always),
        process: Option<Process> = "process",
        root: Option<Root> = "root",
        hostname: String = "hostname",
        domainname: String = "domainname",
        mounts: Vec<EncodedOnce<Mount>> = "mounts",
        hooks: Option<Hooks> = "hooks",
        annotations: BTreeMap<String, String> = "annotations",
        linux: Option<Linux> = "linux",
        solaris: Value = "solaris",
        windows: Value = "windows",
        vm: Value = "vm",
        zos: Value = "zos",
        freebsd: Value = "freebsd",
    }
}

impl Spec {
    /// The process. Adds it if it is absent.
    pub fn process_mut(&mut self) -> &mut Process {
        self.process.get_or_insert_default()
    }

    /// The root. Adds it if it is absent.
    pub fn root_mut(&mut self) -> &mut Root {
        self.root.get_or_insert_default()
    }

    /// The Linux section. Adds it if it is absent.
    pub fn linux_mut(&mut self) -> &mut Linux {
        self.linux.get_or_insert_default()
    }
}
