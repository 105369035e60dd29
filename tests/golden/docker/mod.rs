//! The profiles of Docker against the specs that Docker's own daemon makes.
//!
//! `RELEASE.jsonl` has the answer of a release's daemon to each of `cases.json`: what it is given beside the default image of
//! golden cases and of a `daemon.json`, and the options of a request that mean the same. The program in `tests/oracle/docker` made
//! the answers, from the release's own sources, and `SPECD_ORACLE_RELEASES=all cargo test --test oracle docker` asks it again.
//!
//! The option `mounts.image_volumes` has no case: it is podman's, and Docker's daemon makes no tmpfs of a volume.
//!
//! What differs on purpose is [`CHANGES`], with a row in `docs/profiles.md` each; everything else is equal byte for byte.

use crate::support::go_json::escaped;
use crate::support::request_json::parse_as;
use crate::support::service::{Fixture, IMAGE};
use serde::Deserialize;
use serde_json::{Value, json};
use specd::api::pb::specd::{GenerateRequest, SpecOptions};
use std::collections::BTreeSet;
use std::path::Path;

/// The id of the container; Docker takes its start as the host name.
const ID: &str = "6b1f3e7e4a8d0c2f";

const CASES: &str = include_str!("cases.json");

/// The profiles, and what their products answer.
const PRODUCTS: [(&str, &str); 2] =
    [("docker-28", include_str!("28.5.2.jsonl")), ("docker-29", include_str!("29.8.1.jsonl"))];

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    options: Value,
}

/// A field of Docker's spec that the profile has otherwise: its pointer, and how it is changed.
type Change = (&'static str, fn(&mut Value));

/// THE list of differences.
const CHANGES: [Change; 6] = [
    ("/root/path", |path| *path = json!("rootfs")),
    ("/process/env", |env| {
        // The host's name, which the program that made the answers does not ask for.
        env.as_array_mut().unwrap().retain(|one| one != "HOSTNAME=");
    }),
    ("/process/user/additionalGids", |groups| {
        let groups = groups.as_array_mut().unwrap();
        if groups[1..].contains(&groups[0]) {
            groups.remove(0);
        }
    }),
    ("/linux/resources/devices", |rules| {
        let rules = rules.as_array_mut().unwrap();
        let twice = rules.split_off(rules.len() / 2);
        assert_eq!(*rules, twice);
    }),
    ("/linux/resources/memory", |memory| {
        assert_eq!(*memory, json!({"disableOOMKiller": false}));
        *memory = Value::Null;
    }),
    ("/linux/resources/blockIO", |io| {
        assert_eq!(*io, json!({}));
        *io = Value::Null;
    }),
];

/// Removes what the changes have emptied.
fn prune(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(prune);
        members.retain(|_, value| !value.is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_profile_equals_its_product_except_where_the_documentation_says_so() {
    let default = |file: &str| {
        let directory =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/_default/generate");
        std::fs::read(directory.join(file)).unwrap()
    };
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    let fixture =
        Fixture::new(&default("image.json"), Some(&default("passwd")), Some(&default("group")));
    let (mut needed, mut wrong) = (BTreeSet::new(), Vec::new());
    for (profile, answers) in PRODUCTS {
        assert_eq!(answers.lines().count(), cases.len(), "{profile}");
        for (case, theirs) in cases.iter().zip(answers.lines()) {
            let mut theirs: Value = serde_json::from_str(theirs).unwrap();
            for (pointer, change) in CHANGES {
                if let Some(value) = theirs.pointer_mut(pointer) {
                    let before = value.clone();
                    change(value);
                    if *value != before {
                        needed.insert(pointer);
                    }
                }
            }
            prune(&mut theirs);
            let options = (!case.options.is_null())
                .then(|| parse_as::<SpecOptions>("SpecOptions", &case.options.to_string()));
            let request = GenerateRequest {
                image: IMAGE.to_owned(),
                namespace: "moby".to_owned(),
                id: ID.to_owned(),
                profile: profile.to_owned(),
                options: options.map(Box::new),
                ..Default::default()
            };
            let answer = fixture.generate(request).await.unwrap();
            assert_eq!(answer.profile, profile);
            let ours = String::from_utf8(answer.spec.unwrap().value).unwrap();
            let theirs = escaped(&theirs.to_string());
            if ours != theirs {
                let same = ours.bytes().zip(theirs.bytes()).take_while(|(a, b)| a == b).count();
                let rest = |text: &str| {
                    text.get(same..).unwrap_or_default().chars().take(80).collect::<String>()
                };
                wrong.push(format!(
                    "{profile}: {}: {:?}, Docker's {:?}",
                    case.name,
                    rest(&ours),
                    rest(&theirs)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(needed, CHANGES.iter().map(|(pointer, _)| *pointer).collect());
    assert_eq!(needed, documented().iter().map(String::as_str).collect());
}

/// The pointers of the table in `docs/profiles.md`.
fn documented() -> BTreeSet<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profiles.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let rows = docs.lines().filter_map(|line| line.strip_prefix("| `/")?.split_once('`'));
    rows.map(|(pointer, _)| format!("/{pointer}")).collect()
}
