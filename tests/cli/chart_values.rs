//! The values of the chart against what the server accepts: the chart refuses a value that the server refuses, and no other.
//!
//! Which value is in which flag is read from `templates/_args.tpl`, the bounds of a flag are asked of clap, and the schema is asked in
//! this process. Values that only the templates refuse need Helm. The file `files/server.yaml` of the chart, which its templates read, is
//! written here. Invariant: where the chart accepts less than the server, [`NARROWER`] has the reason.

use crate::chart::{chart, give_to_server, keys, read, resolve, schema};
use crate::run;
use crate::support::say::say;
use clap::{Arg, ArgAction, CommandFactory};
use serde_json::{Value, json};
use specd::commands::Cli;
use specd::spec::Profiles;
use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Values for which the chart accepts less than the server, each with the reason.
const NARROWER: &[(&str, &str)] = &[
    ("cdi.specDirs[]", "a path without characters that need quotes"),
    ("containerd.socketDirectory", "a path without characters that need quotes"),
    ("containerd.socketName", "a name without characters that need quotes"),
    ("health.port", "port 0 is any free port, and the kubelet would not know which"),
    ("limits.cacheBytes", "Helm reads numbers as floating point, exact up to 2^53"),
    ("metrics.port", "port 0 is any free port, and Prometheus would not know which"),
    ("platform", "the nodes have images for Linux and WASI"),
    ("snapshots.root", "a path without characters that need quotes"),
    ("socket.directory", "a path without characters that need quotes"),
    ("socket.gid", "the pod joins the group, and Kubernetes allows groups up to 2147483647"),
    ("socket.name", "a name without characters that need quotes"),
    ("tcp.port", "port 0 is any free port, and clients would not know which"),
    ("tls.caKey", "the keys of a secret"),
    ("tls.certKey", "the keys of a secret"),
    ("tls.keyKey", "the keys of a secret"),
];

/// Texts to try, right and wrong ones, by the kind of a flag's value: its name in the help.
const TEXTS: &[(&str, &[&str])] = &[
    (
        "ADDRESS",
        &[
            "0.0.0.0",
            "10.20.30.255",
            "[::]",
            "[2001:db8::a]",
            "[1:2:3:4:5:6:7:8]",
            "[1:2:3:4:5:6:7::]",
            "[::ffff:10.0.0.7]",
            "[64:ff9b::10.0.0.7]",
            "300.1.1.1",
            "1.2.3",
            "1.2.3.04",
            "::",
            "[::",
            "[::g]",
            "[1::2::3]",
            "[1:2:3:4:5:6:7]",
            "[1:2:3:4:5:6:7:8:9]",
            "[1:2:3:4::5:6:7:8]",
            "[12345::]",
            "[::10.0.0.256]",
            "[0.0.0.0]",
            "localhost",
            "/run/a",
            "/run/a/..",
            "run/a",
            "a.sock",
            "a,b.sock",
            "..",
            ".",
            "",
        ],
    ),
    ("DIR", &["/a/b", "/a/..", "/..", "/", "a", "./a", "/a,b", ""]),
    (
        "DURATION",
        &[
            "1ms", "500ms", "1000ms", "1s", "90s", "1.5s", "1m30s", "0.25h", "1h", "60m", "3600s",
            "59m60s", "3601s", "1h1s", "61m", "2h", "1h30m", "0.5d", "0s", "0ms", "0.00s", "0m0s",
            "", "10", "1x", "s", "1m30", "-1s", "1.s", ".5s", "1e3s", "1,5s",
        ],
    ),
    ("FILE", &["tls.crt", "a"]),
    (
        "FILTER",
        &[
            "info",
            "off",
            "DEBUG",
            "Warn",
            "3",
            "warn,specd=debug",
            "info, specd::source=trace",
            "specd[call]=debug",
            "loud",
            "info,loud",
            "specd",
            "specd=",
            "specd=loud",
            "info,",
            "6",
            "warning",
        ],
    ),
    ("MODE", &["0660", "660", "0777", "7", "00600", "0668", "1777", "0o660", "rw", "", "-660"]),
    (
        "NAME",
        &[
            "node",
            "docker",
            "containerd-2.4",
            "hardened",
            "harden",
            "a",
            "a_b",
            "a.b",
            "a--b",
            "-a",
            "a-",
            "a b",
            "a/b",
            "a.b.",
            "a..b",
            "*.a",
            "10.0.0.7",
            "spiffe://a/b",
            "urn:a",
            "spiffe://",
            "spiffe:",
            "1:a",
            ":a",
            "spiffe://a b",
            "",
        ],
    ),
    ("PATH", &["/run/a.sock", "a.sock", "a b"]),
    (
        "PLATFORM",
        &[
            "linux/amd64",
            "linux/x86_64",
            "linux/arm64/v8",
            "linux(+erofs+a)/amd64",
            "wasi/wasm",
            "windows/amd64",
            "darwin/arm64",
            "linux",
            "linux/",
            "linux/a/b/c",
            "linux()/a",
            "linux(+)/a",
            "linux/a b",
            "",
        ],
    ),
    (
        "URL",
        &[
            "http://127.0.0.1:4317",
            "http://otel/",
            "http://[::1]:4317",
            "",
            "https://otel:4317",
            "otel:4317",
            "http://",
            "http:///",
            "http://a/b",
            "http://a?b",
            "http://a b",
        ],
    ),
];

/// A flag on a line of `templates/_args.tpl`.
#[derive(Debug)]
struct Line {
    flag: String,
    /// The text between the values.
    text: Vec<String>,
    /// The values in it, with `[]` behind a list.
    values: Vec<String>,
    /// The values that decide whether the flag is given.
    condition: Vec<String>,
    /// Whether the flag is left out if its value is empty.
    optional: bool,
}

/// The paths behind `$v.` in an expression.
fn paths(expression: &str) -> Vec<String> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '.');
    expression
        .split("$v.")
        .skip(1)
        .map(|rest| rest.split(ends).next().unwrap().to_owned())
        .collect()
}

/// The flags of the chart, with their values.
fn lines() -> Vec<Line> {
    let text = read("templates/_args.tpl").replace("$bind", "$v.bindAddress");
    let helpers = read("templates/_helpers.tpl");
    let (_, socket) = helpers.split_once("define \"specd.socket\" -}}\n").unwrap();
    let socket = socket.lines().next().unwrap().replace(".Values", "$v");
    let text = text.replace("{{ include \"specd.socket\" . }}", &socket);
    let (mut blocks, mut found) = (Vec::<(&str, Vec<String>)>::new(), Vec::new());
    for line in text.lines().take_while(|line| !line.contains("define \"specd.args\"")) {
        let body = line.trim_start_matches("{{- ").trim_end_matches("}}").trim();
        let (word, rest) = body.split_once(' ').unwrap_or((body, ""));
        match word {
            "if" | "with" | "range" | "define" => blocks.push((word, paths(rest))),
            "else" => blocks.last_mut().unwrap().1.extend(paths(rest)),
            "end" => drop(blocks.pop().unwrap()),
            _ => {}
        }
        let Some(argument) = line.strip_prefix("- ") else { continue };
        let quoted =
            argument.strip_prefix("{{ printf \"").and_then(|rest| rest.split_once("%s\" "));
        let argument = match quoted {
            Some((text, value)) => format!("{text}{{{{ {value}"),
            None => argument.to_owned(),
        };
        let Some((flag, mut rest)) = argument
            .strip_prefix("--")
            .map(|argument| argument.split_once('=').unwrap_or((argument, "")))
        else {
            continue;
        };
        let inner = blocks.last().unwrap();
        let (mut text, mut values, mut optional) = (Vec::new(), Vec::new(), false);
        while let Some((before, after)) = rest.split_once("{{") {
            let (expression, after) = after.split_once("}}").unwrap();
            let value = paths(expression).pop().unwrap_or_else(|| {
                optional = inner.0 == "with";
                format!("{}{}", inner.1.concat(), if inner.0 == "range" { "[]" } else { "" })
            });
            text.push(before.to_owned());
            values.push(value);
            rest = after;
        }
        text.push(rest.to_owned());
        let condition =
            blocks.iter().rev().map(|(_, paths)| paths.clone()).find(|it| !it.is_empty());
        let condition = condition.unwrap_or_default();
        found.push(Line { flag: flag.to_owned(), text, values, condition, optional });
    }
    assert!(found.len() > 40 && blocks.len() <= 1, "{found:?}");
    found
}

/// Values as Helm reads them: one at a path.
fn values_with(path: &str, value: Value) -> Value {
    let (path, value) = match path.strip_suffix("[]") {
        Some(path) => (path, json!([value])),
        None => (path, value),
    };
    path.rsplit('.').fold(value, |value, key| json!({ key: value }))
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// The schema of the value at a path.
fn node<'a>(root: &'a Value, path: &str) -> &'a Value {
    let (path, list) = path.strip_suffix("[]").map_or((path, false), |path| (path, true));
    let node = path.split('.').fold(root, |node, key| &resolve(root, node)["properties"][key]);
    resolve(root, if list { &node["items"] } else { node })
}

/// What to try for a value: for a number both sides of each bound of its schema, else texts of its kind.
fn tries(root: &Value, path: &str, flag: &Arg) -> Vec<Value> {
    let node = node(root, path);
    if node["type"] == "integer" {
        let bound = |name| {
            node[name].as_i64().unwrap_or_else(|| panic!("{path}: the schema has no {name}"))
        };
        let (least, most) = (bound("minimum"), bound("maximum"));
        return [least - 1, least, most, most + 1].map(Value::from).to_vec();
    }
    let named: Vec<Value> =
        flag.get_possible_values().iter().map(|value| value.get_name().into()).collect();
    if !named.is_empty() {
        let known = node["enum"].as_array().unwrap().iter().cloned();
        return named.into_iter().chain(known).chain([json!("unknown")]).collect();
    }
    let kind = flag.get_value_names().unwrap()[0].as_str();
    let texts = TEXTS.iter().find(|(name, _)| *name == kind);
    let (_, texts) = texts.unwrap_or_else(|| panic!("--{}: TEXTS has no {kind}", flag.get_id()));
    texts.iter().map(|text| json!(text)).collect()
}

/// Whether the server starts with a flag. clap is asked first; a text that clap does not check is given to the program, which is
/// stopped by a directory that does not exist.
fn is_accepted(flag: &Arg, text: &str) -> bool {
    // A flag of its own, because others may need each other.
    let alone = Arg::new("alone")
        .long("alone")
        .action(flag.get_action().clone())
        .value_delimiter(flag.get_value_delimiter())
        .value_parser(flag.get_value_parser().clone());
    let alone = clap::Command::new("serve").arg(alone);
    if alone.try_get_matches_from(["serve", &format!("--alone={text}")]).is_err() {
        return false;
    }
    let given = format!("--{}={text}", flag.get_long().unwrap());
    let checked = flag.get_value_parser().type_id() != TypeId::of::<String>();
    checked || run(&["serve", "--listen=unix:///proc/none/specd.sock", &given]).code != Some(2)
}

/// The text of a flag with a value at its place, and the defaults of the chart at the others.
fn text_of(line: &Line, path: &str, value: &str, defaults: &BTreeMap<String, String>) -> String {
    let at = |name: &String| if name == path { value } else { &defaults[name] };
    let rest =
        line.values.iter().zip(&line.text[1..]).map(|(name, text)| format!("{}{text}", at(name)));
    format!("{}{}", line.text[0], rest.collect::<String>())
}

/// What the chart renders of the values of `ci/everything.yaml` with these over them, or what Helm says.
fn render(values: &Value) -> Result<String, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), values.to_string()).unwrap();
    let mut helm = helm();
    helm.args(["template", "specd", "--kube-version", "1.34.0", "--values"]);
    helm.arg(chart().join("ci/everything.yaml")).arg("--values").arg(file.path()).arg(chart());
    let output = helm.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
}

/// Helm, of the PATH or of `.ci/tools`.
fn helm() -> Command {
    let set = |name| std::env::var_os(name).map(PathBuf::from);
    let tools = set("SPECD_TOOLS").or_else(|| {
        let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
        cache.map(|cache| cache.join("specd/tools"))
    });
    let installed = tools.map(|tools| tools.join("bin/helm")).filter(|helm| helm.exists());
    Command::new(installed.unwrap_or_else(|| PathBuf::from("helm")))
}

#[test]
fn the_chart_accepts_a_value_if_the_server_does() {
    let root = schema();
    let schema = jsonschema::validator_for(&root).unwrap();
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let flag_of = |line: &Line| {
        serve.get_arguments().find(|flag| flag.get_long() == Some(&line.flag)).unwrap()
    };
    let defaults: BTreeMap<String, String> =
        keys().into_iter().map(|key| (key.path.join("."), key.value)).collect();
    let lines = lines();
    let paths: BTreeSet<&String> = lines.iter().flat_map(|line| &line.values).collect();
    assert!(paths.len() > 40, "{paths:?}");
    for (path, _) in NARROWER {
        assert!(paths.iter().any(|known| known == path), "NARROWER: no flag has {path}");
    }
    let (mut wrong, mut refused, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
    for path in paths {
        let narrower = NARROWER.iter().any(|(name, _)| name == path);
        let of_path: Vec<&Line> = lines.iter().filter(|line| line.values.contains(path)).collect();
        let mut place = 0;
        for value in tries(&root, path, flag_of(of_path[0])) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let by_server = of_path.iter().all(|line| {
                let left_out = line.optional && (text.is_empty() || text == "0");
                left_out || is_accepted(flag_of(line), &text_of(line, path, &text, &defaults))
            });
            let values = values_with(path, value.clone());
            match (by_server, schema.is_valid(&values)) {
                (true, false) if !narrower => {
                    wrong.push(format!(
                        "{path}: the server accepts {text:?}, the schema refuses it"
                    ));
                }
                (false, true) => refused.push((path, text, values)),
                // The schema has the whole check of a number.
                (true, true) if value.is_string() => {
                    if accepted.len() == place {
                        accepted.push(
                            json!({"terminationGracePeriodSeconds": 86400, "extraEnvFrom": []}),
                        );
                    }
                    merge(&mut accepted[place], values);
                    place += 1;
                }
                _ => {}
            }
        }
    }
    if helm().arg("version").output().is_err() {
        say(
            "SKIPPED: values that only the chart's templates refuse: helm is missing, .ci/tools chart installs it",
        );
    } else {
        for (path, text, mut values) in refused {
            merge(&mut values, json!({"extraEnvFrom": []}));
            match render(&values) {
                Ok(_) => {
                    wrong
                        .push(format!("{path}: the chart accepts {text:?}, the server refuses it"));
                }
                Err(said) if said.contains(path.as_str()) => {}
                Err(said) => {
                    wrong.push(format!("{path}: {text:?} is refused for another reason: {said}"));
                }
            }
        }
        for values in accepted {
            match render(&values) {
                Ok(render) => give_to_server(&values.to_string(), &render),
                Err(said) => wrong.push(format!("one of {values} is refused: {said}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the templates must know about the server: see `specd.serverChecks`.
fn server_file() -> String {
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let repeatable = |flag: &&Arg| matches!(flag.get_action(), ArgAction::Append);
    let repeatable: Vec<_> =
        serve.get_arguments().filter(repeatable).filter_map(Arg::get_long).collect();
    let mut values = BTreeMap::<String, BTreeSet<String>>::new();
    for line in lines().into_iter().filter(|line| !repeatable.contains(&line.flag.as_str())) {
        let of_line = if line.values.is_empty() { line.condition } else { line.values };
        values.entry(line.flag).or_default().extend(of_line);
    }
    let profiles = Profiles::built_in("function").unwrap();
    let mut text = "# What the templates know about this release of the server. BLESS=1 cargo test --test cli chart_values writes it.\n\n".to_owned();
    text.push_str("# The names of the built-in profiles\nprofiles:\n");
    for name in profiles.names().split(", ") {
        text.push_str(&format!("  - {name}\n"));
    }
    text.push_str("# Flags of `specd serve` that may be repeated\nrepeatable:\n");
    for flag in repeatable {
        text.push_str(&format!("  - {flag}\n"));
    }
    text.push_str("# The values of the flags that the chart sets\nvalues:\n");
    for (flag, values) in values {
        let values: Vec<_> = values.into_iter().collect();
        text.push_str(&format!("  {flag}: {}\n", values.join(" and ")));
    }
    text
}

#[test]
fn the_templates_know_the_flags_and_the_profiles_of_this_release() {
    let path = chart().join("files/server.yaml");
    let text = server_file();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written, text,
        "BLESS=1 cargo test --test cli chart_values writes files/server.yaml"
    );
}
