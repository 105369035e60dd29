//! What a journal makes of what it is told.

use super::*;
use crate::domain::host_facts::HostFacts;
use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::image_config::{ContainerConfig, ImageConfig};
use crate::domain::origin::Setting;
use crate::domain::platform::Platform;
use crate::domain::request::Options;
use crate::domain::user::ProcessUser;
use crate::spec::draft::Draft;
use crate::spec::encode::unchecked;
use crate::spec::{Equipment, Inputs, Profiles, assemble, assemble_explained, encode_explained};
use serde_json::json;

fn option(name: &str) -> Origin {
    Origin::option(name)
}

/// A journal of one state, all of which is the base's.
fn journal(state: Value) -> Journal {
    let mut journal = Journal::new();
    journal.tell_place("", Some(state), &|_| Some(Said::Set(option("base"))));
    journal
}

/// Each field as a line: its path, its value, who set it; then what it was, the oldest first.
fn lines(journal: &Journal) -> Vec<String> {
    let text = |Setting { value, by }: &Setting| {
        let by = by.to_string();
        let by = by.strip_prefix("options.").unwrap_or(&by);
        format!("{} {by}", value.as_deref().unwrap_or("-"))
    };
    let fields = journal.fields(&journal.state).into_iter();
    let line = |field: Field| {
        let before = field.before.iter().map(|setting| format!(" < {}", text(setting)));
        format!("{} {}{}", field.path, text(&field.now), before.collect::<String>())
    };
    fields.map(line).collect()
}

fn changed_by(journal: &mut Journal, state: Value, name: &str) {
    journal.tell_changes(state, Some(option(name)));
}

#[test]
fn what_stays_keeps_its_origin_and_what_changes_its_past() {
    let mut journal = journal(json!({"a": 1, "b": {"c": "x", "d": true}}));
    changed_by(&mut journal, json!({"a": 2, "b": {"c": "x"}, "e": []}), "one");
    changed_by(&mut journal, json!({"a": 3, "b": {"c": "x"}, "e": []}), "two");
    assert_eq!(
        lines(&journal),
        ["/a 3 two < 1 base < 2 one", "/b/c \"x\" base", "/b/d - one < true base", "/e [] one",]
    );
}

#[test]
fn what_is_set_to_what_it_was_is_set() {
    let mut journal = journal(json!({"a": 1, "b": 2}));
    let says = |change: &Change<'_>| match change.pointer {
        "/a" => Some(Said::Set(option("one"))),
        _ => None,
    };
    journal.tell_place("", Some(json!({"a": 1, "b": 2})), &says);
    journal.tell_place("", Some(json!({"a": 1, "b": 2})), &says);
    assert_eq!(lines(&journal), ["/a 1 one < 1 base", "/b 2 base"]);
}

#[test]
fn an_element_put_in_or_taken_out_leaves_the_others_alone() {
    let mut journal = journal(json!({"process": {"args": ["a", "b", "c"], "env": ["A=1", "B=2"]}}));
    let state = json!({"process": {"args": ["0", "a", "c"], "env": ["B=3", "C=4", "A=1"]}});
    changed_by(&mut journal, state, "one");
    assert_eq!(
        lines(&journal),
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
    let mut journal =
        journal(mounts(json!([{"destination": "/a", "type": "x"}, {"destination": "/b"}])));
    changed_by(&mut journal, mounts(json!([{"destination": "/b"}])), "one");
    changed_by(
        &mut journal,
        mounts(json!([{"destination": "/b"}, {"destination": "/a", "type": "y"}])),
        "two",
    );
    assert_eq!(
        lines(&journal),
        [
            "/mounts/0/destination \"/b\" base",
            "/mounts/1/destination \"/a\" two < \"/a\" base < - one",
            "/mounts/1/type \"y\" two < \"x\" base < - one",
        ]
    );
}

#[test]
fn a_place_may_become_something_else_altogether() {
    let mut journal = journal(json!({"a": {"b": 1}, "c": [1], "d": {}, "e": 5}));
    changed_by(&mut journal, json!({"a": 7, "c": {"x": 1}, "d": {"y": 2}, "e": ["z"]}), "one");
    assert_eq!(
        lines(&journal),
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
    let mut journal = journal(json!({"a": {"b": 1, "c": 2, "l": [1, 2]}, "d": 3}));
    let patch = json!({"a": {"b": 1, "c": null, "l": [2], "n": null}});
    let state = json!({"a": {"b": 1, "l": [2]}, "d": 3});
    journal.tell_patched(state, patch, option);
    assert_eq!(
        lines(&journal),
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
fn without_a_journal_nobody_is_asked() {
    let spec = json!({
        "ociVersion": "1.1.0",
        "process": {"user": {"uid": 0, "gid": 0}, "cwd": "/"},
        "root": {"path": "rootfs"},
        "mounts": [],
        "linux": {}
    });
    let mut draft = Draft::take(spec).unwrap();
    fn asked<T>() -> T {
        panic!("asked")
    }
    draft.begins("a step");
    draft.by(asked);
    draft.set_by("/hostname", asked);
    draft.explain("", asked::<fn(&Change<'_>) -> Option<Said>>);
    draft.suppose("/hostname", asked, |_| asked());
    draft.remade("/process/env", |_| asked());
    draft.explain_user();
    assert!(!draft.is_explained());
}

/// An assembly of a profile over an image that says but what to run, on a host with one processor that
/// throttles.
fn assembled(profile: &str, explained: bool) -> Draft {
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
        image: Some(&ImageConfig { container, ..Default::default() }),
        options: &Options::default(),
        user: Some(&ProcessUser::bare_root()),
    };
    if !explained {
        return assemble(profile, &namespace, &inputs).unwrap();
    }
    let by = || option("user");
    let user = UserOrigins { uid: by(), gid: by(), additional_gids: Vec::new() };
    assemble_explained(profile, &namespace, &inputs, user).unwrap()
}

#[test]
fn what_is_generated_never_has_a_journal() {
    for (profile, _) in Profiles::built_in("function").unwrap().iter() {
        let draft = assembled(&profile.name, false);
        assert!(!draft.is_explained(), "{}", profile.name);
        let (plain, fields) = encode_explained(draft, None, unchecked).unwrap();
        assert!(fields.is_empty(), "{}", profile.name);
        let (told, fields) =
            encode_explained(assembled(&profile.name, true), None, unchecked).unwrap();
        assert_eq!(plain, told, "{}", profile.name);
        assert!(fields.len() > 50, "{}", profile.name);
    }
}

#[test]
fn facts_of_the_host_are_told() {
    let (_, fields) = encode_explained(assembled("containerd-2.4", true), None, unchecked).unwrap();
    let path = "\"/sys/devices/system/cpu/cpu3/thermal_throttle\"";
    let field = fields.iter().find(|field| field.now.value.as_deref() == Some(path)).unwrap();
    assert_eq!(field.now.by, Origin::Host("thermal_throttle_cpus".to_owned()));
    assert!(field.before.is_empty());
}

proptest::proptest! {
    #[test]
    fn the_leaves_are_those_of_the_last_state(states in proptest::collection::vec(value(), 1..6)) {
        let mut journal = Journal::new();
        for (index, state) in states.iter().enumerate() {
            changed_by(&mut journal, state.clone(), &index.to_string());
            proptest::prop_assert_eq!(journal.root.value(), Some(state.clone()));
        }
        let last = states.last().unwrap();
        for field in journal.fields(last).iter().filter(|field| field.now.value.is_some()) {
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
