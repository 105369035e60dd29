//! Every field that the runtime specification has for Linux, in no order: both sides put each at its place.

use crate::NEWEST;
use crate::deliberate::plain;
use crate::options::Chosen;
use crate::program::{Answer, Program};
use crate::support::say::say;
use crate::support::service::Fixture;
use serde_json::Value;
use specd::oci::{Spec, foreign_fields, json};
use specd::spec::merge_patch;

#[test]
fn every_field_is_where_go_puts_it() {
    let mut program = match Program::start(NEWEST) {
        Ok(program) => program,
        Err(reason) => {
            say(&format!("SKIPPED: the order of every field: {reason}"));
            return;
        }
    };
    let spec: Value = serde_json::from_str(include_str!("every_field.json")).unwrap();
    let mut case = plain();
    case.options = vec![Chosen::new("spec_merge_patch", spec.clone())];
    let Answer::Spec(wanted) = program.ask(&case.question()) else {
        panic!("Go's types do not take every field");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fixture = Fixture::new(&case.config, case.passwd.as_deref(), case.group.as_deref());
    case.options.clear();
    let answer = runtime.block_on(fixture.generate(case.request("containerd-2.4"))).unwrap();
    let mut whole: Value = serde_json::from_slice(&answer.spec.unwrap().value).unwrap();
    merge_patch::apply(&mut whole, spec);
    // No runtime starts a container with every field, so it is encoded and not generated.
    let spec: Spec = json::from_value(whole).unwrap();
    assert_eq!(String::from_utf8(json::to_vec(&spec).unwrap()).unwrap(), wanted);
    assert!(foreign_fields(&spec).iter().all(|warning| !warning.contains("was added in")));
}
