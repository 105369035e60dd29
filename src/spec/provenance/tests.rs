//! What is recorded of changes.

use super::*;
use crate::domain::host_facts::HostFacts;
use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::origin::{Setting, UserOrigins};
use crate::domain::request::Options;
use crate::image::metadata::config::{ContainerConfig, ImageConfig};
use crate::image::platform::Platform;
use crate::oci::place;
use crate::spec::assembly::Assembly;
use crate::spec::rules::RULES;
use crate::spec::steps::STEPS;
use crate::spec::{Allowance, Equipment, Finished, Inputs, Profiles, SpecError, explain, generate};
use crate::users::user::ProcessUser;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

fn option(name: &str) -> Origin {
    Origin::option(name)
}

/// A recording of one state, all of which comes from the base.
fn provenance(state: Value) -> Provenance {
    let mut provenance = Provenance::new();
    provenance.attribute_place("", Some(state), &|_| Some(Attribution::Set(option("base"))));
    provenance
}

/// Each field as a line: its path, its value, who set it; then its past values, the oldest first.
fn lines(provenance: &Provenance) -> Vec<String> {
    let text = |Setting { value, by }: &Setting| {
        let by = by.to_string();
        let by = by.strip_prefix("options.").unwrap_or(&by);
        format!("{} {by}", value.as_deref().unwrap_or("-"))
    };
    let fields = provenance.fields(&provenance.state, usize::MAX).unwrap().into_iter();
    let line = |field: Field| {
        let before = field.before.iter().map(|setting| format!(" < {}", text(setting)));
        format!("{} {}{}", field.path, text(&field.now), before.collect::<String>())
    };
    fields.map(line).collect()
}

fn changed_by(provenance: &mut Provenance, state: Value, name: &str) {
    provenance.attribute_changes(state, Some(option(name)));
}

#[test]
fn what_stays_keeps_its_origin_and_what_changes_its_past() {
    let mut provenance = provenance(json!({"a": 1, "b": {"c": "x", "d": true}}));
    changed_by(&mut provenance, json!({"a": 2, "b": {"c": "x"}, "e": []}), "one");
    changed_by(&mut provenance, json!({"a": 3, "b": {"c": "x"}, "e": []}), "two");
    assert_eq!(
        lines(&provenance),
        ["/a 3 two < 1 base < 2 one", "/b/c \"x\" base", "/b/d - one < true base", "/e [] one",]
    );
}

#[test]
fn what_is_set_to_what_it_was_is_set() {
    let mut provenance = provenance(json!({"a": 1, "b": 2}));
    let attribute = |change: &Change<'_>| match change.pointer {
        "/a" => Some(Attribution::Set(option("one"))),
        _ => None,
    };
    provenance.attribute_place("", Some(json!({"a": 1, "b": 2})), &attribute);
    provenance.attribute_place("", Some(json!({"a": 1, "b": 2})), &attribute);
    assert_eq!(lines(&provenance), ["/a 1 one < 1 base", "/b 2 base"]);
}

#[test]
fn an_element_put_in_or_taken_out_leaves_the_others_alone() {
    let mut provenance =
        provenance(json!({"process": {"args": ["a", "b", "c"], "env": ["A=1", "B=2"]}}));
    let state = json!({"process": {"args": ["0", "a", "c"], "env": ["B=3", "C=4", "A=1"]}});
    changed_by(&mut provenance, state, "one");
    assert_eq!(
        lines(&provenance),
        [
            "/process/args/0 \"0\" one",
            "/process/args/1 \"a\" base",
            "/process/args/2 \"c\" base",
            "/process/args/1 - one < \"b\" base",
            "/process/env/0 \"B=3\" one < \"B=2\" base",
            "/process/env/1 \"C=4\" one",
            "/process/env/2 \"A=1\" base",
        ]
    );
}

#[test]
fn what_comes_back_remembers_that_it_was_gone() {
    let mounts = |list: Value| json!({ "mounts": list });
    let mut provenance =
        provenance(mounts(json!([{"destination": "/a", "type": "x"}, {"destination": "/b"}])));
    changed_by(&mut provenance, mounts(json!([{"destination": "/b"}])), "one");
    changed_by(
        &mut provenance,
        mounts(json!([{"destination": "/b"}, {"destination": "/a", "type": "y"}])),
        "two",
    );
    assert_eq!(
        lines(&provenance),
        [
            "/mounts/0/destination \"/b\" base",
            "/mounts/1/destination \"/a\" two < \"/a\" base < - one",
            "/mounts/1/type \"y\" two < \"x\" base < - one",
        ]
    );
}

#[test]
fn a_place_may_become_something_else_altogether() {
    let mut provenance = provenance(json!({"a": {"b": 1}, "c": [1], "d": {}, "e": 5}));
    changed_by(&mut provenance, json!({"a": 7, "c": {"x": 1}, "d": {"y": 2}, "e": ["z"]}), "one");
    assert_eq!(
        lines(&provenance),
        [
            "/a 7 one",
            "/a/b - one < 1 base",
            "/c/x 1 one",
            "/c/0 - one < 1 base",
            "/d/y 2 one",
            "/e - one < 5 base",
            "/e/0 \"z\" one",
        ]
    );
}

#[test]
fn a_merge_patch_sets_what_it_holds_and_takes_away_what_is_null() {
    let mut provenance = provenance(json!({"a": {"b": 1, "c": 2, "l": [1, 2]}, "d": 3}));
    let patch = json!({"a": {"b": 1, "c": null, "l": [2], "n": null}});
    let state = json!({"a": {"b": 1, "l": [2]}, "d": 3});
    provenance.attribute_patch(state, patch, option);
    assert_eq!(
        lines(&provenance),
        [
            "/a/b 1 /a/b < 1 base",
            "/a/l/0 2 /a/l/0 < 2 base",
            "/a/l/0 - /a/l < 1 base",
            "/a/c - /a/c < 2 base",
            "/d 3 base",
        ]
    );
}

#[test]
fn where_nothing_is_recorded_no_closure_is_called() {
    let mut assembly = Assembly::new(oci::Spec::default(), None);
    fn called<T>() -> T {
        panic!("called")
    }
    assembly.start_step("a step");
    assembly.attribute_changes(called);
    assembly.attribute_value("/hostname", called);
    assembly.attribute("", called::<fn(&Change<'_>) -> Option<Attribution>>);
    assembly.assume_previous("/hostname", called, |_| called());
    assembly.rebuild_list("/process/env", |_| called());
}

/// The spec of a profile over an image that only says what to run, on a host with one CPU that throttles.
fn make<T>(
    profile: &str,
    make: impl FnOnce(&crate::spec::Profile, &Namespace, &Inputs<'_>, UserOrigins) -> T,
) -> T {
    let profiles = Profiles::built_in("function").unwrap();
    let profile = profiles.get(Some(profile)).unwrap();
    let (namespace, id) = (Namespace::parse("ns").unwrap(), ContainerId::parse("c").unwrap());
    let cmd = Some(vec!["x".to_owned()]);
    let container = Some(ContainerConfig { cmd, env: Some(Vec::new()), ..Default::default() });
    let inputs = Inputs {
        equipment: &Equipment::default(),
        id: &id,
        host: &HostFacts { thermal_throttle_cpus: vec![3], kernel: (6, 1), ..HostFacts::default() },
        platform: &Platform::new("linux", "amd64", ""),
        seccomp: &profile.seccomp,
        rules: profile.rules,
        user_mounts: profile.user_mounts,
        additions: profile.additions,
        image: Some(&ImageConfig { container, ..Default::default() }),
        options: &Options::default(),
        user: Some(&ProcessUser::bare_root()),
        allowance: Allowance::UNLIMITED,
    };
    let by = || option("user");
    let origins = UserOrigins { uid: by(), gid: by(), additional_gids: Vec::new() };
    make(profile, &namespace, &inputs, origins)
}

fn explained(profile: &str) -> (Finished, Vec<Field>) {
    make(profile, |profile, namespace, inputs, origins| {
        explain(profile, namespace, inputs, || origins.clone()).unwrap()
    })
}

#[test]
fn an_explained_spec_is_the_generated_one() {
    for (profile, _) in Profiles::built_in("function").unwrap().iter() {
        let plain = make(&profile.name, |profile, namespace, inputs, origins| {
            generate(profile, namespace, inputs, || origins.clone()).unwrap()
        });
        let (explained, fields) = explained(&profile.name);
        assert_eq!(plain, explained, "{}", profile.name);
        assert!(fields.len() > 50, "{}", profile.name);
    }
}

#[test]
fn facts_of_the_host_are_origins() {
    let (_, fields) = explained("containerd-2.4");
    let path = "\"/sys/devices/system/cpu/cpu3/thermal_throttle\"";
    let field = fields.iter().find(|field| field.now.value.as_deref() == Some(path)).unwrap();
    assert_eq!(field.now.by, Origin::Host("thermal_throttle_cpus".to_owned()));
    assert!(field.before.is_empty());
}

#[test]
fn the_origins_of_a_place_are_those_of_its_leaves_and_of_removed_ones() {
    let namespaces = |list: Value| json!({ "linux": { "namespaces": list, "sysctl": {"a.b": "1"} }, "root": {} });
    let mut provenance =
        provenance(namespaces(json!([{"type": "uts"}, {"type": "pid", "path": "/p"}])));
    changed_by(&mut provenance, namespaces(json!([{"type": "pid", "path": "/q"}])), "one");
    let origins = |place| -> Vec<String> {
        provenance.origins_at(&place).into_iter().map(ToString::to_string).collect()
    };
    assert_eq!(origins(place!["linux", "namespaces", "uts"]), ["options.one"]);
    assert_eq!(origins(place!["linux", "namespaces", 0, "path"]), ["options.one"]);
    assert_eq!(origins(place!["linux", "namespaces", "pid", "type"]), ["options.base"]);
    assert_eq!(origins(place!["linux", "sysctl", "a.b"]), ["options.base"]);
    // What never had a value is attributed to the enclosing object, if that has one origin.
    assert_eq!(origins(place!["linux", "namespaces", 0, "never"]), Vec::<String>::new());
    assert_eq!(origins(place!["linux", "sysctl", "never"]), ["options.base"]);
}

proptest::proptest! {
    #[test]
    fn the_leaves_are_those_of_the_last_state(states in proptest::collection::vec(value(), 1..6)) {
        let mut provenance = Provenance::new();
        for (index, state) in states.iter().enumerate() {
            changed_by(&mut provenance, state.clone(), &index.to_string());
            proptest::prop_assert_eq!(provenance.root.value(), Some(state.clone()));
        }
        let last = states.last().unwrap();
        let fields = provenance.fields(last, usize::MAX).unwrap();
        for field in fields.iter().filter(|field| field.now.value.is_some()) {
            let there = last.pointer(&field.path).unwrap().to_string();
            proptest::prop_assert_eq!(field.now.value.as_ref(), Some(&there));
        }
    }
}

/// Some small value, with lists that have names for their elements among them.
fn value() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        (0..3_u8).prop_map(Value::from),
        "[A-B]=[0-1]".prop_map(Value::from),
        Just(json!({})),
        Just(json!([])),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
            proptest::collection::btree_map("process|env|mounts|a/b|~", inner, 1..4)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

/// Makes a spec with an allowance, explained or not.
fn allowed(allowance: Allowance<'_>, explained: bool) -> Result<(), SpecError> {
    make("docker", |profile, namespace, inputs, origins| {
        let inputs = Inputs { allowance, ..*inputs };
        if explained {
            explain(profile, namespace, &inputs, || origins.clone()).map(drop)
        } else {
            generate(profile, namespace, &inputs, || origins.clone()).map(drop)
        }
    })
}

#[test]
fn work_ends_when_its_result_is_no_longer_wanted() {
    for explained in [false, true] {
        let asked = AtomicUsize::new(0);
        let until = |most: usize| {
            asked.store(0, Ordering::Relaxed);
            let is_wanted = || asked.fetch_add(1, Ordering::Relaxed) < most;
            allowed(Allowance { is_wanted: &is_wanted, ..Allowance::UNLIMITED }, explained)
        };
        assert_eq!(until(usize::MAX), Ok(()));
        // Before each step and each rule.
        let times = asked.load(Ordering::Relaxed);
        assert!(times >= STEPS.len() + RULES.len(), "{times}");
        for most in [0, 1, STEPS.len(), times - 1] {
            assert_eq!(until(most), Err(SpecError::Unwanted), "{most}");
            assert_eq!(asked.load(Ordering::Relaxed), most + 1);
        }
    }
}

#[test]
fn an_explanation_ends_where_it_is_too_large() {
    let bytes = |explained_bytes| Allowance { explained_bytes, ..Allowance::UNLIMITED };
    assert_eq!(allowed(bytes(1000), true), Err(SpecError::TooLarge(1000)));
    assert_eq!(allowed(bytes(1 << 20), true), Ok(()));
    assert_eq!(allowed(bytes(0), false), Ok(()));
}
