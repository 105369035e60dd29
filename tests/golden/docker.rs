//! The profile `docker` against Docker's own default spec: they differ where the documentation says so, and
//! nowhere else.
//!
//! The spec lies outside the repository: `SPECD_REFERENCE` names its directory. Without it this test says
//! that it is skipped.

use crate::support::say::say;
use serde_json::Value;
use specd::spec::Profiles;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The pointers of what two specs do not share.
fn differences(theirs: &Value, ours: &Value, at: &str, found: &mut BTreeSet<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for key in theirs.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
                let at = format!("{at}/{key}");
                match (theirs.get(key), ours.get(key)) {
                    (Some(theirs), Some(ours)) => differences(theirs, ours, &at, found),
                    _ => drop(found.insert(at)),
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            for (index, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                differences(theirs, ours, &format!("{at}/{index}"), found);
            }
        }
        _ if theirs == ours => {}
        _ => drop(found.insert(at.to_owned())),
    }
}

#[test]
fn the_profile_differs_from_dockers_default_spec_where_the_documentation_says_so() {
    let Some(reference) = std::env::var_os("SPECD_REFERENCE") else {
        say("SKIPPED: SPECD_REFERENCE does not name the directory of the reference data");
        return;
    };
    let path = Path::new(&reference).join("docker/default-spec.json");
    let theirs: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let profiles = Profiles::built_in("docker").unwrap();
    let mut found = BTreeSet::new();
    let ours = serde_json::to_value(&profiles.get(None).unwrap().spec).unwrap();
    differences(&theirs, &ours, "", &mut found);

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profiles.md");
    let docs = fs::read_to_string(docs).unwrap();
    let rows = docs.lines().filter_map(|line| line.strip_prefix("| `/")?.split_once('`'));
    let documented: BTreeSet<String> = rows.map(|(pointer, _)| format!("/{pointer}")).collect();
    assert_eq!(found, documented);
}
