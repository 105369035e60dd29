//! The chart against the server: every flag has a value, every value is explained where it stands, every query names a metric that
//! is exported.
//!
//! It reads the golden renders, which `.ci/chart` holds to the templates, so it needs no Helm. `chart_values.rs` compares the values
//! that the chart and the server accept.
//! Invariant: what is not in the chart on purpose is listed here with its reason.

use clap::{CommandFactory, Parser};
use serde_json::Value;
use specd::commands::{Cli, Command};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Flags of `serve` that no value of the chart gives, each with the reason.
const NOT_IN_THE_CHART: &[(&str, &str)] = &[
    ("oci-layout", "on a node of Kubernetes the images are containerd's"),
    ("host-facts", "a pod is on the machine that its containers run on"),
    ("apparmor-profiles", "nodes of a cluster have different profiles, and load them at any time"),
    ("cgroup-version", "a pod sees the control groups of its node"),
    ("runtime-features", "nodes of a cluster have different runtimes"),
    ("last-capability", "the specs of a cluster are the same on each node"),
    ("kernel", "a pod sees the kernel of its node"),
    ("print-config", "it prints and ends, which is for a person"),
    ("thermal-throttle-cpus", "a pod sees the processors of its node"),
];

/// Flags with another default in the chart than in the server, each with the reason.
const OTHER_DEFAULT: &[(&str, &str)] = &[
    ("listen", "clients of a node agent are on the node: a socket in a directory of the node"),
    ("log-format", "logs of a cluster are read by machines"),
    ("health-listen", "the kubelet probes the pod's address"),
    ("metrics-listen", "Prometheus reads from the pod's address"),
];

/// What the server exports, by the names that queries use: the table of metrics in the documentation, which a
/// test of the server holds against the page that it answers with.
fn exported() -> BTreeSet<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let text = fs::read_to_string(docs).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let metrics =
        rows.filter(|(name, _)| name.starts_with("grpc_server_") || name.starts_with("specd_"));
    let names = metrics.flat_map(|(name, rest)| {
        let suffixes: &[_] =
            if rest.contains("a histogram") { &["_bucket", "_count", "_sum"] } else { &[""] };
        suffixes.iter().map(move |suffix| format!("{name}{suffix}"))
    });
    let names: BTreeSet<String> = names.collect();
    assert!(names.len() > 15, "{names:?}");
    names
}

pub(crate) fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("helm/specd")
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = chart().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn schema() -> Value {
    serde_json::from_str(&read("values.schema.json")).unwrap()
}

fn goldens() -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(chart().join("golden"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() >= 12, "{} golden renders", files.len());
    files
}

/// The arguments of the server in a render, as flag and value.
pub(crate) fn arguments(render: &str) -> Vec<(String, String)> {
    let mut lines = render.lines().skip_while(|line| line.trim() != "- serve").skip(1);
    let mut found = Vec::new();
    while let Some(argument) = lines.next().and_then(|line| line.trim().strip_prefix("- ")) {
        let argument = argument.trim_matches('"');
        let (flag, value) = argument.split_once('=').unwrap_or((argument, "true"));
        found.push((flag.strip_prefix("--").unwrap().to_owned(), value.to_owned()));
    }
    assert!(!found.is_empty(), "no arguments of serve");
    found
}

/// The flags of `serve` with their defaults.
fn flags() -> BTreeMap<String, Option<String>> {
    let cli = Cli::command();
    let serve = cli.find_subcommand("serve").unwrap();
    let named = serve.get_arguments().filter_map(|flag| {
        let default = flag.get_default_values().first();
        Some((flag.get_long()?.to_owned(), default.map(|value| value.to_str().unwrap().to_owned())))
    });
    named.collect()
}

fn listed(list: &[(&str, &str)], name: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == name)
}

#[test]
fn every_flag_of_serve_is_in_the_chart() {
    let rendered: BTreeSet<String> =
        goldens().iter().flat_map(|(_, render)| arguments(render)).map(|(flag, _)| flag).collect();
    for flag in flags().keys() {
        let expected = !listed(NOT_IN_THE_CHART, flag);
        assert_eq!(
            rendered.contains(flag),
            expected,
            "--{flag}: give it a value in helm/specd (templates/_args.tpl, values.yaml, values.schema.json, \
             ci/everything.yaml), or say in NOT_IN_THE_CHART why it has none"
        );
    }
}

#[test]
fn the_chart_gives_no_flag_that_serve_has_not() {
    let flags = flags();
    for (name, render) in goldens() {
        for (flag, _) in arguments(&render) {
            assert!(
                flags.contains_key(&flag),
                "golden/{name}.yaml gives --{flag}, and serve does not know it"
            );
        }
    }
}

/// Gives the arguments of a render to the server.
pub(crate) fn give_to_server(name: &str, render: &str) {
    let known = arguments(render).into_iter();
    let words = known.map(|(flag, value)| match value.as_str() {
        "true" => format!("--{flag}"),
        value => format!("--{flag}={}", value.replace("$(POD_IP)", "10.0.0.7")),
    });
    let line = ["specd", "serve"].map(str::to_owned).into_iter().chain(words);
    let cli = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(matches!(cli.command, Command::Serve(_)), "{name} does not run specd serve");
}

#[test]
fn the_server_takes_the_arguments_of_every_render() {
    for (name, render) in goldens() {
        give_to_server(&format!("golden/{name}.yaml"), &render);
    }
}

#[test]
fn the_charts_defaults_are_the_servers() {
    let flags = flags();
    let (_, render) = goldens().into_iter().find(|(name, _)| name == "default").unwrap();
    for (flag, value) in arguments(&render) {
        if let Some(Some(default)) = flags.get(&flag) {
            let same = *default == value;
            assert_eq!(
                same,
                !listed(OTHER_DEFAULT, &flag),
                "--{flag}: the server's default is {default}, the chart's {value}"
            );
        }
    }
}

#[test]
fn the_chart_is_of_this_release() {
    let want = format!("appVersion: \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(read("Chart.yaml").lines().any(|line| line == want), "Chart.yaml wants {want}");
}

/// A key of values.yaml: where it stands, its path, and the line above it.
pub(crate) struct Key {
    line: usize,
    pub(crate) path: Vec<String>,
    /// What stands behind it on its line, without quotes.
    pub(crate) value: String,
    above: String,
    /// Whether keys follow below it.
    parent: bool,
}

/// The keys of values.yaml, by indentation; lists are values and have none.
pub(crate) fn keys() -> Vec<Key> {
    let text = read("values.yaml");
    let mut keys: Vec<Key> = Vec::new();
    let mut list = None;
    let mut above = "";
    for (number, line) in text.lines().enumerate() {
        let body = line.trim_start();
        let depth = (line.len() - body.len()) / 2;
        let comment = body.starts_with('#');
        if body.starts_with("- ") {
            list = Some(depth);
        } else if !body.is_empty() && !comment && list.is_none_or(|list| depth < list) {
            list = None;
            let (key, value) = body.split_once(':').unwrap();
            let mut path: Vec<String> = keys
                .last()
                .map(|last| last.path[..depth.min(last.path.len())].to_vec())
                .unwrap_or_default();
            assert_eq!(path.len(), depth, "values.yaml:{}: indentation", number + 1);
            path.push(key.to_owned());
            keys.push(Key {
                line: number + 1,
                path,
                value: value.trim().trim_matches('"').to_owned(),
                above: above.trim_start().to_owned(),
                parent: value.trim().is_empty(),
            });
        }
        above = line;
    }
    assert!(keys.len() > 100, "{} keys", keys.len());
    keys
}

#[test]
fn every_key_of_the_values_is_documented_in_place() {
    for key in keys() {
        assert!(
            key.above.starts_with("# ") && key.above.len() > 4,
            "values.yaml:{}: {} has no comment above it",
            key.line,
            key.path.join(".")
        );
    }
}

/// Follows a `$ref` within the schema.
pub(crate) fn resolve<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    match node["$ref"].as_str() {
        Some(reference) => root.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
        None => node,
    }
}

#[test]
fn the_schema_and_the_values_have_the_same_keys() {
    let root = schema();
    let mut values: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for key in keys() {
        let mut node = &root;
        for part in &key.path {
            let properties = resolve(&root, node);
            node = if properties["properties"].is_object() {
                let known = properties["properties"].get(part);
                known.unwrap_or_else(|| {
                    panic!("values.schema.json does not know {}", key.path.join("."))
                })
            } else {
                &properties["additionalProperties"]
            };
        }
        let (last, parents) = key.path.split_last().unwrap();
        values.entry(parents.to_vec()).or_default().insert(last.clone());
        // What a value is made of by the schema, its default shows; or the default is empty.
        if key.parent {
            values.entry(key.path.clone()).or_default();
        }
    }
    for (path, present) in values {
        let node = path.iter().fold(&root, |node, part| {
            let node = resolve(&root, node);
            node["properties"].get(part).unwrap_or(&node["additionalProperties"])
        });
        let Some(known) = resolve(&root, node)["properties"].as_object() else { continue };
        for name in known.keys() {
            let quiet = ["global", "localhostProfile", "ephemeral-storage", "cpu"];
            assert!(
                present.contains(name) || quiet.contains(&name.as_str()),
                "values.yaml does not show {}.{name}",
                path.join(".")
            );
        }
    }
}

/// Objects that are open because Kubernetes has their schema, or a label's name is free.
const OPEN: &[&str] =
    &["global", "labels", "annotations", "kubernetesObject", "named", "extraObjects"];

fn closed(node: &Value, path: &str) {
    match node {
        Value::Object(map) => {
            if map.get("type").is_some_and(|kind| kind == "object") {
                let additional = map.get("additionalProperties");
                let open = OPEN.iter().any(|open| path.contains(&format!("/{open}")));
                assert!(
                    additional == Some(&Value::Bool(false)) || open && additional.is_some(),
                    "values.schema.json: {path} lets unknown keys in"
                );
            }
            for (key, value) in map {
                closed(value, &format!("{path}/{key}"));
            }
        }
        Value::Array(list) => list.iter().for_each(|value| closed(value, path)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_schema_is_closed() {
    closed(&schema(), "");
}

/// The names of metrics in a query: what is no function, no operator, no label and no text.
fn metrics(query: &str) -> BTreeSet<String> {
    const WORDS: &[&str] = &["and", "or", "unless", "bool", "offset", "inf", "nan"];
    const BEFORE_LABELS: &[&str] =
        &["by", "without", "on", "ignoring", "group_left", "group_right"];
    let mut rest = query;
    let mut found = BTreeSet::new();
    while let Some(first) = rest.chars().next() {
        let end = |close: char| rest[1..].find(close).map_or(rest.len(), |at| at + 2);
        if first == '{' {
            // A brace in a label's text would end this too early; there is none.
            rest = &rest[end('}')..];
        } else if first == '[' {
            rest = &rest[end(']')..];
        } else if first == '"' {
            rest = &rest[end('"')..];
        } else if first.is_ascii_digit() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else if first.is_ascii_alphabetic() || first == '_' {
            let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':');
            let (name, after) = rest.split_at(rest.find(word).unwrap_or(rest.len()));
            rest = after.trim_start();
            if BEFORE_LABELS.contains(&name) {
                rest = rest.split_once(')').map_or("", |(_, after)| after);
            } else if !rest.starts_with('(') && !WORDS.contains(&name) && !rest.starts_with("by ") {
                found.insert(name.to_owned());
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

#[test]
fn names_of_metrics_are_found_in_queries() {
    let query = r#"histogram_quantile(0.99, sum by (le) (rate(a_bucket{x="b"}[5m]))) / on (node) c > 1e3 or vector(0)"#;
    assert_eq!(metrics(query), ["a_bucket", "c"].map(str::to_owned).into());
    assert_eq!(metrics("count by (a) (x{}) or y"), ["x", "y"].map(str::to_owned).into());
}

/// The queries of the dashboard, variables included.
fn dashboard_queries(node: &Value, found: &mut Vec<String>) {
    match node {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(query) if key == "expr" => found.push(query.to_owned()),
                    Some(query) if key == "definition" => {
                        let inner = query.strip_prefix("label_values(").unwrap();
                        found.push(inner.rsplit_once(',').unwrap().0.to_owned());
                    }
                    _ => dashboard_queries(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| dashboard_queries(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check_queries(what: &str, queries: &[String]) -> BTreeSet<String> {
    let mut asked = BTreeSet::new();
    let exported = exported();
    for query in queries {
        let names = metrics(query);
        assert!(!names.is_empty(), "{what}: {query} names no metric");
        for name in names {
            assert!(exported.contains(&name), "{what}: the server has no {name}: {query}");
            asked.insert(name);
        }
    }
    asked
}

#[test]
fn every_query_of_the_dashboard_names_a_metric_that_is_exported() {
    let dashboard: Value = serde_json::from_str(&read("files/dashboard.json")).unwrap();
    let mut queries = Vec::new();
    dashboard_queries(&dashboard, &mut queries);
    assert!(queries.len() > 25, "{} queries", queries.len());
    let asked = check_queries("files/dashboard.json", &queries);
    for metric in exported() {
        let family = metric.trim_end_matches("_count").trim_end_matches("_sum");
        assert!(
            asked.iter().any(|name| name.starts_with(family)),
            "the dashboard does not show {metric}"
        );
    }
}

#[test]
fn every_alert_asks_for_a_metric_that_is_exported() {
    let (_, render) = goldens().into_iter().find(|(name, _)| name == "monitoring-pod").unwrap();
    let queries: Vec<String> = render
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "))
        .map(|quoted| serde_json::from_str(quoted).unwrap())
        .collect();
    assert!(queries.len() > 10, "{} alerts", queries.len());
    check_queries("the alerts", &queries);
}
