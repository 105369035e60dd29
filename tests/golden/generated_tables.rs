//! The generated parts of the documentation: the API, the bounds of requests, the reasons of errors and the flags of `specd serve`.
//!
//! `BLESS=1 cargo test --test golden generated_tables` writes them.

mod api_reference;

use crate::support::api_fields;
use clap::{Arg, Command, CommandFactory};
use specd::commands::Cli;
use specd::domain::limits::Bound;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const ERRORS: &str = include_str!("../../proto/specd/v1/errors.proto");

#[test]
fn reasons_are_those_of_the_api() {
    let mut table = "| reason | status code | meaning |\n|---|---|---|\n".to_owned();
    let mut count = 0;
    let mut comment = String::new();
    for line in ERRORS.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("//") {
            comment.push_str(text);
        } else {
            let name = line.split(" = ").next().and_then(|name| name.strip_prefix("ERROR_REASON_"));
            if let Some(name) = name.filter(|name| *name != "UNSPECIFIED") {
                let (code, meaning) = comment.trim().split_once(". ").unwrap();
                writeln!(table, "| `{name}` | {code} | {meaning} |").unwrap();
                count += 1;
            }
            comment.clear();
        }
    }
    assert_eq!(count, 19, "add the action for a new reason to docs/errors.md");
    compare("docs/errors.md", "reasons", &table);
}

#[test]
fn flags_are_those_of_serve() {
    let mut cli = Cli::command();
    cli.build();
    let serve = cli.find_subcommand("serve").unwrap();
    let mut table = String::new();
    for heading in headings(serve) {
        writeln!(table, "## {}\n", heading.unwrap_or("General")).unwrap();
        table.push_str("| flag | default | meaning |\n|---|---|---|\n");
        for flag in flags(serve).filter(|flag| flag.get_help_heading() == heading) {
            table.push_str(&row(flag));
        }
        table.push('\n');
    }
    compare("docs/flags.md", "flags", &table);
}

#[test]
fn bounds_are_those_of_requests() {
    let mut table = "| field | elements | bytes |\n|---|---|---|\n".to_owned();
    let fields = api_fields::all();
    let rows: BTreeMap<_, _> = fields.iter().map(|field| (field.name(), field.bound())).collect();
    for (name, bound) in rows {
        let (elements, bytes) = match bound {
            Bound::Text(bytes) => (String::new(), bytes.to_string()),
            Bound::Json(bytes) => (String::new(), format!("{bytes}, as JSON")),
            Bound::List(elements) => (elements.to_string(), String::new()),
            Bound::Texts(elements, bytes) => (elements.to_string(), format!("{bytes} each")),
            Bound::Map(elements, bytes) => {
                (elements.to_string(), format!("{bytes} each key and value"))
            }
        };
        writeln!(table, "| `{name}` | {elements} | {bytes} |").unwrap();
    }
    compare("docs/bounds.md", "bounds", &table);
}

/// The flags in their order, except those that clap adds.
fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|flag| flag.get_long().is_some() && flag.get_env().is_some())
}

/// The headings of flags in their order, each once.
fn headings(command: &Command) -> Vec<Option<&str>> {
    let mut headings = Vec::new();
    for flag in flags(command) {
        if !headings.contains(&flag.get_help_heading()) {
            headings.push(flag.get_help_heading());
        }
    }
    headings
}

fn row(flag: &Arg) -> String {
    let long = flag.get_long().unwrap();
    let variable = format!("SPECD_{}", long.replace('-', "_").to_uppercase());
    assert_eq!(flag.get_env().unwrap(), variable.as_str(), "the variable of --{long}");
    let names = if flag.get_action().takes_values() { flag.get_value_names() } else { None };
    let value: String = names.into_iter().flatten().map(|name| format!(" {name}")).collect();
    let help = flag.get_help().unwrap().to_string().replace('|', "\\|");
    let (help, stated) =
        match help.strip_suffix(']').and_then(|help| help.split_once(" [default: ")) {
            Some((help, default)) => (help.to_owned(), default.to_owned()),
            None => (help, String::new()),
        };
    let defaults = flag.get_default_values().iter().map(|value| value.to_str().unwrap());
    let default = match defaults.collect::<Vec<_>>().join(",") {
        given if given.is_empty() || value.is_empty() => stated,
        given => format!("`{given}`"),
    };
    format!("| `--{long}{value}` | {default} | {help} |\n")
}

/// Compares the part of a document between two marks with what it should be, or writes it.
fn compare(document: &str, mark: &str, want: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = fs::read_to_string(&path).unwrap();
    let begin =
        format!("<!-- {mark}: written by BLESS=1 cargo test --test golden generated_tables -->\n");
    let end = format!("<!-- end of {mark} -->");
    let (head, rest) = text.split_once(&begin).unwrap();
    let (found, tail) = rest.split_once(&end).unwrap();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{head}{begin}{want}{end}{tail}")).unwrap();
    } else {
        assert_eq!(
            found, want,
            "BLESS=1 cargo test --test golden generated_tables writes {document}"
        );
    }
}
