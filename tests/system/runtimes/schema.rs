//! Golden specs are valid by the runtime spec's own JSON schema.

use crate::runtimes::goldens;
use crate::runtimes::runtime::built;
use crate::support::say::say;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Goldens that the schema does not take, each with the reason.
const EXEMPT: &[(&str, &str)] = &[(
    "root-propagation-and-path",
    "the schema lacks the recursive kinds of propagation, which the specification's text and runtimes have",
)];

#[test]
fn every_golden_spec_is_valid_by_the_schema() {
    let directory = match built("schema") {
        Ok(directory) => directory,
        Err(reason) => {
            say(&format!("SKIPPED: the runtime spec's JSON schema: {reason}"));
            return;
        }
    };
    let validator = validator(&directory);
    let mut wrong = Vec::new();
    let goldens = goldens::all();
    for (name, spec) in &goldens {
        let errors: Vec<String> = validator
            .iter_errors(spec)
            .map(|error| format!("{name}: {}: {error}", error.instance_path()))
            .collect();
        match EXEMPT.iter().find(|(other, _)| other == name) {
            None => wrong.extend(errors),
            Some(_) if errors.is_empty() => wrong.push(format!("{name}: need not be exempt")),
            Some((_, reason)) => say(&format!("schema: {name} is exempt: {reason}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    say(&format!("schema: {} golden specs are valid", goldens.len() - EXEMPT.len()));

    let broken: Value = serde_json::json!({"ociVersion": "1.1.0", "process": {"cwd": 1}});
    assert!(!validator.is_valid(&broken), "the schema takes anything");
}

/// The schema, with the files that it names beside it.
fn validator(directory: &Path) -> jsonschema::Validator {
    let text = std::fs::read_to_string(directory.join("config-schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::options()
        .with_base_uri("json-schema:///config-schema.json")
        .with_retriever(Beside(directory.to_owned()))
        .build(&schema)
        .unwrap()
}

/// Files of a directory.
struct Beside(PathBuf);

impl jsonschema::Retrieve for Beside {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.path().as_str().trim_start_matches('/');
        let text = std::fs::read_to_string(self.0.join(name))?;
        // Release 1.3.0 has a reference that lacks its slash.
        Ok(serde_json::from_str(&text.replace("\"#definitions", "\"#/definitions"))?)
    }
}
