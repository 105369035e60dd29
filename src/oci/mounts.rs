//! The root filesystem, the mounts and the hooks.

use crate::oci::{IdMapping, object};

object! {
    /// The root filesystem.
    Root {
        path: String = "path" (always),
        readonly: bool = "readonly",
    }

    /// A mount.
    Mount {
        destination: String = "destination" (always),
        kind: String = "type",
        source: String = "source",
        options: Vec<String> = "options",
        uid_mappings: Vec<IdMapping> = "uidMappings",
        gid_mappings: Vec<IdMapping> = "gidMappings",
    }

    /// The programs that the runtime runs during a container's life.
    Hooks {
        prestart: Vec<Hook> = "prestart",
        create_runtime: Vec<Hook> = "createRuntime",
        create_container: Vec<Hook> = "createContainer",
        start_container: Vec<Hook> = "startContainer",
        poststart: Vec<Hook> = "poststart",
        poststop: Vec<Hook> = "poststop",
    }

    /// One such program.
    Hook {
        path: String = "path" (always),
        args: Vec<String> = "args",
        env: Vec<String> = "env",
        /// Seconds after which it is killed.
        timeout: Option<i64> = "timeout",
    }
}

impl Mount {
    /// Whether it binds a file or a directory.
    #[must_use]
    pub fn is_bind(&self) -> bool {
        self.options.iter().any(|option| matches!(option.as_str(), "bind" | "rbind"))
    }
}

impl Hooks {
    /// The lists with their names, in the order of the runtime spec.
    #[must_use]
    pub fn lists(&self) -> [(&'static str, &[Hook]); 6] {
        [
            ("prestart", &self.prestart),
            ("createRuntime", &self.create_runtime),
            ("createContainer", &self.create_container),
            ("startContainer", &self.start_container),
            ("poststart", &self.poststart),
            ("poststop", &self.poststop),
        ]
    }

    /// Appends the hooks of other lists to the lists.
    pub fn append(&mut self, mut hooks: Self) {
        self.prestart.append(&mut hooks.prestart);
        self.create_runtime.append(&mut hooks.create_runtime);
        self.create_container.append(&mut hooks.create_container);
        self.start_container.append(&mut hooks.start_container);
        self.poststart.append(&mut hooks.poststart);
        self.poststop.append(&mut hooks.poststop);
    }

    /// The list of a name; nothing for a name that the runtime spec does not have.
    pub fn list_mut(&mut self, name: &str) -> Option<&mut Vec<Hook>> {
        Some(match name {
            "prestart" => &mut self.prestart,
            "createRuntime" => &mut self.create_runtime,
            "createContainer" => &mut self.create_container,
            "startContainer" => &mut self.start_container,
            "poststart" => &mut self.poststart,
            "poststop" => &mut self.poststop,
            _ => return None,
        })
    }
}
