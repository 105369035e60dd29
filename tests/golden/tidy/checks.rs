//! The checks, each a plain function from text to findings.

use super::rules::{EMPTY_NAMES, IMPURE, LINTS, MAX_LINES, OPINIONATED, PURE, is_within, row};
use super::scan::{Finding, Source, attribute_end};
use std::collections::BTreeSet;

pub(crate) fn opens_with_docs(file: &Source) -> Vec<Finding> {
    if file.text.starts_with("//!") {
        return Vec::new();
    }
    vec![file.finding(1, "open the file with `//!`: what lives here, what does not, its invariant")]
}

pub(crate) fn is_short(file: &Source, long: &[(&str, &str)]) -> Vec<Finding> {
    let lines = file.lines_beside_tests();
    let excused = long.iter().any(|(path, _)| *path == file.path);
    match (lines > MAX_LINES, excused) {
        (true, false) => vec![file.finding(
            lines,
            format!(
                "{lines} lines beside the tests, and {MAX_LINES} is where to ask whether the file is two; split it, \
                 or name it in LONG with the reason"
            ),
        )],
        (false, true) => {
            vec![file.finding(1, "named in LONG and short enough: take it out of the list")]
        }
        _ => Vec::new(),
    }
}

pub(crate) fn keeps_to_the_import_table(file: &Source, crates: &BTreeSet<String>) -> Vec<Finding> {
    let own = file.module_path();
    let Some(row) = row(&own) else {
        let what = format!("`{}` has no row in the import table: give it one", file.top_module());
        return vec![file.finding(1, what)];
    };
    let module = row.module;
    let mut findings = Vec::new();
    // An outside crate is reported once a file, where it first occurs.
    let mut reported = BTreeSet::new();
    let mut paths = file.paths();
    paths.sort_by_key(|path| path.line);
    for path in paths {
        let Some(first) = path.segments.first() else { continue };
        if first == "crate" {
            let target = &path.segments[1..];
            // A module around this one alone, as in `pub(in crate::image)`, imports nothing.
            if own.starts_with(target) || is_within(target, module) {
                continue;
            }
            if !row.imports.iter().any(|import| import.admits(target)) {
                let what = format!(
                    "`{}`: {module} may import {}",
                    path.segments.join("::"),
                    list(row.imports.iter().map(ToString::to_string))
                );
                findings.push(file.finding(path.line, what));
            }
        } else if crates.contains(first)
            && !row.crates.contains(&"*")
            && !row.crates.contains(&first.as_str())
            && reported.insert(first.clone())
        {
            let what = format!(
                "`{}`: of outside crates {module} may use {}",
                path.segments.join("::"),
                list(row.crates.iter().map(ToString::to_string))
            );
            findings.push(file.finding(path.line, what));
        }
    }
    findings
}

pub(crate) fn stays_pure(file: &Source) -> Vec<Finding> {
    let own = file.module_path();
    if !PURE.iter().any(|module| is_within(&own, module)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for path in file.paths() {
        for (banned, why) in IMPURE {
            if path.segments.iter().take(banned.len()).eq(banned.iter()) {
                findings.push(file.finding(path.line, format!("`{}`: {why}", banned.join("::"))));
            }
        }
    }
    for token in file.code() {
        if token.text == "async" {
            findings.push(file.finding(token.line, "`async`: the pure core waits for nothing"));
        }
    }
    findings
}

pub(crate) fn leaves_the_environment_to_commands(file: &Source) -> Vec<Finding> {
    if file.top_module() == "commands" {
        return Vec::new();
    }
    file.paths()
        .iter()
        .filter(|path| path.segments.iter().take(2).eq(["std", "env"].iter()))
        .filter(|path| path.segments.get(2).is_none_or(|part| part != "consts"))
        .map(|path| file.finding(path.line, "`std::env`: only commands reads the environment"))
        .collect()
}

pub(crate) fn every_option_is_assembled(assemble: &Source, options: &[Source]) -> Vec<Finding> {
    let named: BTreeSet<String> = assemble.code().into_iter().map(|token| token.text).collect();
    let mut findings = Vec::new();
    for file in options {
        for (line, name) in file.exported_functions() {
            if !named.contains(&name) {
                let what = format!("`{name}` is exported and {} does not name it", assemble.path);
                findings.push(file.finding(line, what));
            }
        }
    }
    findings
}

pub(crate) fn includes_no_generated_code(file: &Source) -> Vec<Finding> {
    if file.path == "src/api/pb.rs" {
        return Vec::new();
    }
    file.all()
        .windows(2)
        .filter(|pair| {
            ["include_proto", "include_file_descriptor_set", "include"]
                .contains(&pair[0].text.as_str())
                && pair[1].text == "!"
        })
        .map(|pair| {
            file.finding(
                pair[0].line,
                "generated code is included in src/api/pb.rs and nowhere else",
            )
        })
        .collect()
}

pub(crate) fn takes_no_opinions_of_oci_spec(file: &Source) -> Vec<Finding> {
    let foreign: BTreeSet<String> = file
        .uses()
        .into_iter()
        .filter(|path| path.segments.first().is_some_and(|first| first == "oci_spec"))
        .filter_map(|path| path.alias.or_else(|| path.segments.last().cloned()))
        .collect();
    let mut findings = Vec::new();
    for path in file.paths() {
        let builds =
            path.segments.iter().any(|part| part.ends_with("Builder") && foreign.contains(part))
                || (path.segments.first().is_some_and(|first| first == "oci_spec")
                    && path.segments.iter().any(|part| part.ends_with("Builder")));
        // Our own structs of the same names have defaults that are empty.
        let defaults = path.segments.windows(2).any(|pair| {
            pair[1] == "default"
                && (foreign.contains(&pair[0]) || path.segments[0] == "oci_spec")
                && (pair[0].ends_with("Builder") || OPINIONATED.contains(&pair[0].as_str()))
        });
        if builds || defaults {
            let what = format!(
                "`{}`: oci-spec's builders and defaults grant what nobody asked for; start from the profile's data",
                path.segments.join("::")
            );
            findings.push(file.finding(path.line, what));
        }
    }
    findings
}

pub(crate) fn is_named_after_what_it_holds(file: &Source) -> Vec<Finding> {
    let mut findings: Vec<Finding> = file
        .path
        .trim_end_matches(".rs")
        .split('/')
        .filter(|part| EMPTY_NAMES.contains(part))
        .map(|part| file.finding(1, format!("`{part}` says nothing: name it after what it holds")))
        .collect();
    for pair in file.all().windows(2) {
        if pair[0].text == "mod" && EMPTY_NAMES.contains(&pair[1].text.as_str()) {
            let what = format!("`mod {}` says nothing: name it after what it holds", pair[1].text);
            findings.push(file.finding(pair[1].line, what));
        }
    }
    findings
}

pub(crate) fn waives_no_lint(file: &Source) -> Vec<Finding> {
    if file.path == "src/api/pb.rs" {
        return Vec::new();
    }
    let tokens = file.all();
    let mut findings = Vec::new();
    let mut at = 0;
    while let Some(end) = attribute_end(tokens, at).or_else(|| (at < tokens.len()).then_some(at)) {
        let waiver = tokens[at..end].windows(2).find(|pair| {
            ["allow", "expect"].contains(&pair[0].text.as_str()) && pair[1].text == "("
        });
        if let Some(pair) = waiver {
            let what = format!("`{}(...)`: lints are waived in src/api/pb.rs alone", pair[0].text);
            findings.push(file.finding(pair[0].line, what));
        }
        at = end.max(at + 1);
    }
    findings
}

pub(crate) fn keeps_the_lints(manifest: &str) -> Vec<Finding> {
    LINTS
        .iter()
        .filter(|lint| !manifest.lines().any(|line| line.trim() == **lint))
        .map(|lint| Finding {
            path: "Cargo.toml".into(),
            line: 1,
            what: format!("`{lint}` is an invariant: put it back under [lints]"),
        })
        .collect()
}

fn list(parts: impl Iterator<Item = String>) -> String {
    let text = parts.collect::<Vec<_>>().join(", ");
    if text.is_empty() { "nothing".into() } else { text }
}

/// The crates of `[dependencies]`, as code spells them.
pub(crate) fn dependencies(manifest: &str) -> BTreeSet<String> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect()
}
