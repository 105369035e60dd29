//! The table of `docs/options.md`: every option of containerd's Go client has a row, and every field that a
//! row names is in the API.
//!
//! The names are checked in, in `names.txt`, and compared with the sources of the release where Go is
//! there to fetch them.

use crate::support::say::say;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use serde_json::Value;
use specd::api::pb::specd::DESCRIPTORS;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const DOCUMENT: &str = include_str!("../../../docs/options.md");
const NAMES: &str = include_str!("names.txt");

/// The release, and its packages with options.
const MODULE: &str = "github.com/containerd/containerd/v2@v2.4.2";
const PACKAGES: [&str; 4] = ["pkg/oci", "contrib/seccomp", "contrib/apparmor", "pkg/cdi"];

/// A row of the first table: a name, what does it, and a remark.
struct Row {
    name: String,
    how: String,
    remark: String,
}

fn rows() -> Vec<Row> {
    let of_go = DOCUMENT.split("\n## ").find(|part| part.starts_with("From Go")).unwrap();
    let lines = of_go.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 3, "{line}");
            let [name, how, remark] = [cells[0], cells[1], cells[2]].map(str::to_owned);
            Row { name: name.trim_matches('`').to_owned(), how, remark }
        })
        .collect()
}

/// The fields of the API that a text names.
fn fields(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).filter(|word| word.starts_with("options.")).collect()
}

/// Whether a path of fields leads somewhere.
fn is_field(message: &MessageDescriptor, path: &str) -> bool {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(field) = message.get_field_by_name(name) else {
        return false;
    };
    match field.kind().as_message() {
        _ if rest.is_empty() => true,
        Some(inner) if !field.is_map() && !field.is_list() => is_field(inner, rest),
        _ => false,
    }
}

#[test]
fn every_name_has_one_row_and_no_other_has() {
    let rows = rows();
    let names: BTreeSet<&str> = NAMES.lines().collect();
    for name in &names {
        let count = rows.iter().filter(|row| row.name == *name).count();
        assert_eq!(count, 1, "{name} has {count} rows");
    }
    for row in &rows {
        assert!(names.contains(row.name.as_str()), "{} is no option of {MODULE}", row.name);
    }
}

#[test]
fn every_row_says_how() {
    for Row { name, how, remark } in rows() {
        match how.as_str() {
            "profile" => {}
            "refused" => assert!(!remark.is_empty(), "{name} is refused without a reason"),
            _ => assert!(!fields(&how).is_empty(), "{name} names no field: {how}"),
        }
    }
}

#[test]
fn every_field_that_is_named_is_in_the_api() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let request = pool.get_message_by_name("specd.v1.GenerateRequest").unwrap();
    let named = fields(DOCUMENT);
    assert!(named.len() > 90, "the document names {} fields", named.len());
    for field in named {
        assert!(is_field(&request, field), "{field} is no field of a request");
    }
}

/// Each message and field that may be asked for stands in the document, so that it stays whole.
#[test]
fn every_option_of_the_api_is_named() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let options = pool.get_message_by_name("specd.v1.SpecOptions").unwrap();
    let named = fields(DOCUMENT);
    let mut missing = Vec::new();
    for section in options.fields() {
        let path = format!("options.{}", section.name());
        if named.contains(&path.as_str()) {
            continue;
        }
        let kind = section.kind();
        for field in kind.as_message().into_iter().flat_map(MessageDescriptor::fields) {
            let inner = format!("{path}.{}", field.name());
            if !named.iter().any(|known| *known == inner || known.starts_with(&format!("{inner}.")))
            {
                missing.push(inner);
            }
        }
    }
    assert!(missing.is_empty(), "the document does not name {}", missing.join(", "));
}

#[test]
fn the_names_are_those_of_the_release() {
    let module = match sources() {
        Ok(module) => module,
        Err(reason) => {
            say(&format!("SKIPPED: the names of options in containerd's sources: {reason}"));
            return;
        }
    };
    let mut found = BTreeSet::new();
    for package in PACKAGES {
        let directory = module.join(package);
        let short = Path::new(package).file_name().unwrap().to_str().unwrap();
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            if file.ends_with(".go") && !file.ends_with("_test.go") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.extend(exported(&text).map(|name| format!("{short}.{name}")));
            }
        }
    }
    let listed: BTreeSet<String> = NAMES.lines().map(str::to_owned).collect();
    assert_eq!(found, listed);
    assert_eq!(found.iter().filter(|name| name.starts_with("oci.")).count(), 82);
}

/// The exported functions and variables of a Go file that are options by their names.
fn exported(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = line.strip_prefix("func ").or_else(|| line.strip_prefix("var "))?;
        let name = rest.split(|c: char| !c.is_alphanumeric()).next()?;
        name.starts_with("With").then_some(name)
    })
}

/// Where the module's sources are; Go fetches them where they are not there yet.
pub(crate) fn sources() -> Result<PathBuf, String> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/go/bin";
    let output = Command::new("go")
        .args(["mod", "download", "-json", MODULE])
        .env("PATH", path)
        .current_dir(std::env::temp_dir())
        .output()
        .map_err(|error| format!("Go is missing: {error}"))?;
    let answer: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    match answer["Dir"].as_str() {
        Some(directory) => Ok(directory.into()),
        None => Err(format!("{MODULE} cannot be had: {}", answer["Error"])),
    }
}
