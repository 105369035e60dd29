//! User namespaces beside every choice of the host's, a private and a joined namespace: each spec that specd answers starts,
//! and what it refuses is refused by the name of a rule.

use crate::network_namespace::NetworkNamespace;
use crate::runtimes::adapted::{self, Host};
use crate::runtimes::bundle::Bundle;
use crate::runtimes::other_namespaces::OtherNamespaces;
use crate::runtimes::runtime::{self, Runtime};
use crate::support::control_group::ControlGroup;
use crate::support::layout::Layout;
use crate::support::say::say;
use serde_json::{Value, json};
use std::process::Command;
use std::sync::Mutex;

const IMAGE: &str = "registry.example/app:1";
const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/true"]}}"#;

/// The choices for a kind: the profile's, the host's, a private and a joined one.
const CHOICES: [&str; 4] = ["unset", "host", "private", "joined"];

/// How many ids a request maps: many; too few for the group of terminals; too few for all groups of an image.
const SIZES: [u32; 3] = [65_536, 5, 10];

/// A request, with the name of its combination.
struct Combination {
    name: String,
    options: Value,
    /// Whether it maps every id that an image usually has.
    full: bool,
    /// Whether a pid or ipc namespace is joined: it is not the host's, and its filesystem has nothing that could be bound.
    joins: bool,
}

/// Each choice for each of three kinds, with each number of ids.
fn combinations(other: &OtherNamespaces) -> Vec<Combination> {
    let mut all = Vec::new();
    for number in 0..CHOICES.len().pow(3) {
        let choices = [number % 4, number / 4 % 4, number / 16].map(|choice| CHOICES[choice]);
        for size in SIZES {
            let (mut options, mut name) =
                (json!({"userRange": {"hostId": 100_000, "size": size}}), String::new());
            for (kind, choice) in ["network", "pid", "ipc"].into_iter().zip(choices) {
                name += &format!("{kind} {choice}, ");
                match choice {
                    "unset" => continue,
                    "host" => options[kind] = json!({"host": {}}),
                    "private" => options[kind] = json!({"private": {}}),
                    _ => options[kind] = json!({"path": other.path(kind)}),
                }
            }
            all.push(Combination {
                name: format!("{name}{size} ids"),
                options: json!({ "namespaces": options, "ociVersion": "1.0.2" }),
                full: size == SIZES[0],
                joins: choices[1..].contains(&"joined"),
            });
        }
    }
    all
}

/// An image to ask for.
pub(crate) struct Image(Layout);

impl Image {
    pub(crate) fn new() -> Self {
        let mut layout = Layout::temp();
        let image = layout.raw_image(CONFIG, &[]);
        layout.tag(IMAGE, &image.manifest);
        Self(layout)
    }
}

/// A spec, or what is wrong with a request.
pub(crate) fn generate(image: &Image, profile: &str, options: &Value) -> Result<Value, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), options.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_specd"))
        .args(["generate", IMAGE, "--profile", profile, "--id", "c", "--namespace", "default"])
        .args(["--log", "error", "--platform", "linux/amd64", "--output", "spec", "--oci-layout"])
        .arg(image.0.root())
        .arg("--options")
        .arg(file.path())
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[test]
fn what_is_answered_with_a_user_namespace_starts() {
    if runtime::all().is_empty() {
        return;
    }
    let image = Image::new();
    let host = Host::read(&[]);
    let _group = ControlGroup::hold(&adapted::group());
    let _network = NetworkNamespace::make("default-c");
    let other = OtherNamespaces::start();
    let combinations = combinations(&other);
    let (seen, half) = (Mutex::new(Seen::default()), combinations.len().div_ceil(2));
    std::thread::scope(|scope| {
        for part in combinations.chunks(half) {
            let (seen, image, host) = (&seen, &image, &host);
            scope.spawn(move || {
                for combination in part {
                    // The profiles differ in the ranges that suit them only by the group of terminals.
                    let profiles: &[&str] =
                        if combination.full { &["function", "docker"] } else { &["function"] };
                    for profile in profiles {
                        let answer = generate(image, profile, &combination.options);
                        let found = check(host, combination, answer);
                        seen.lock().unwrap().add(profile, found);
                    }
                }
            });
        }
    });
    let Seen { started, refused, wrong } = seen.into_inner().unwrap();
    let total = combinations.len();
    say(&format!(
        "user namespaces: {total} combinations, {started} runs start, {refused} requests are refused"
    ));
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What became of requests.
#[derive(Default)]
struct Seen {
    started: usize,
    refused: usize,
    wrong: Vec<String>,
}

impl Seen {
    fn add(&mut self, profile: &str, found: Self) {
        self.started += found.started;
        self.refused += found.refused;
        self.wrong.extend(found.wrong.into_iter().map(|text| format!("{profile}: {text}")));
    }
}

/// A request is refused by the name of a rule, or its spec starts under every runtime.
fn check(host: &Host, combination: &Combination, answer: Result<Value, String>) -> Seen {
    let (mut seen, name) = (Seen::default(), &combination.name);
    match answer {
        Err(text)
            if combination.joins && text.contains("cannot be mounted by a user namespace") =>
        {
            seen.refused += 1;
        }
        Err(text) => seen.wrong.push(format!("{name}: {text}")),
        Ok(_) if combination.joins => seen.wrong.push(format!("{name} is answered")),
        Ok(spec) => {
            let run = |runtime: &Runtime| {
                let ran = runtime.run(&Bundle::new(&adapted::spec(&spec, runtime.program, host)));
                (!ran.started).then(|| format!("{}: {name}: {}", runtime.name, ran.output))
            };
            seen.wrong = runtime::all().iter().filter_map(run).collect();
            seen.started = runtime::all().len() - seen.wrong.len();
        }
    }
    seen
}
