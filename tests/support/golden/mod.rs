//! The golden directories: what a case is given, and the answer that it wants.
//!
//! `tests/golden/generate`, `process` and `resources` have a directory a case, named by the rule that it shows. It holds `request.json` (in
//! protobuf's JSON), `want.json`, and of these what is not the default, which `tests/golden/_default` has:
//! - `image.json`, the image's configuration; `passwd` and `group` of the image, or of the container's root;
//! - `container.json`, the stored spec of a container, and `stored.json`, what is stored beside it;
//! - `host.json`, the facts and the devices of the host in the form of `specd host-facts`; its CDI specifications in `cdi`, which it has in
//!   `/etc/cdi`, and in `cdi-run`, which it has in `/var/run/cdi`.
//!
//! An empty file `no-account-files` or `no-container` says that there are none.
//!
//! `want.json` is one of three:
//! - an error: its code, reason, message and violations;
//! - a whole answer, in the case that has a profile's name and asks for nothing else, and in `process` and `resources`;
//! - for every other spec what differs from the spec of a profile's own case: `profile`, `changes` (see [`changes`]),
//!   `container` and `image` where they are others, and `warnings`.
//!
//! Invariant: the order of fields is checked. A whole spec has the fields of each object in the order in which they are answered, and a
//! change that adds a field says before which one. So the changes on the profile's spec give one text, and the runner
//! compares it with the answer byte for byte ([`go_json`]).

pub(crate) mod changes;

use serde_json::Value;
use std::path::{Path, PathBuf};

/// A case.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
}

/// The cases of a kind (`generate`, `process` or `resources`), by name.
pub(crate) fn cases(kind: &str) -> Vec<Case> {
    let entries = std::fs::read_dir(root().join(kind)).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<Case> = entries.map(Case::at).collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

/// The case of `generate` that has this name.
pub(crate) fn case(name: &str) -> Case {
    Case::at(root().join("generate").join(name))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

impl Case {
    fn at(directory: PathBuf) -> Self {
        let name = directory.file_name().unwrap().to_string_lossy().into_owned();
        Self { name, directory }
    }

    /// The wanted answer as a whole, or the error; or why the file does not say it.
    pub(crate) fn wanted(&self) -> Result<Value, String> {
        let text = std::fs::read_to_string(self.directory.join("want.json"))
            .map_err(|error| format!("want.json: {error}"))?;
        let want: Value = serde_json::from_str(&text).map_err(|e| format!("want.json: {e}"))?;
        let Some(profile) = want["profile"].as_str() else { return Ok(want) };
        let mut answer = case(profile).wanted()?;
        let changes = serde_json::from_value(want["changes"].clone()).map_err(|e| e.to_string())?;
        changes::apply(&mut answer["spec"], changes)?;
        for name in ["container", "image", "warnings"] {
            if let Some(value) = want.get(name) {
                answer[name] = value.clone();
            }
        }
        Ok(answer)
    }
}
