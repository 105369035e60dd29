//! The invariants of the code and of its prose, as a test: what no compiler checks and a reviewer forgets.
//!
//! It reads the files as text. `rules` holds the table and the lists, `checks` the checks, `prose` the refused words, `scan` and
//! `lex` understand as much of Rust as that takes; `can_fail` tests each check on a source that breaks its rule.
//!
//! Invariant: a finding says file and line, what is wrong, and what to do.

mod can_fail;
mod checks;
mod lex;
mod links;
mod prose;
mod rules;
mod scan;

use checks::*;
use prose::{UNCLEAN, is_plain_english};
use rules::LONG;
use scan::{Finding, Source};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::{fs, io};

type Outcome = Result<(), Box<dyn Error>>;

/// Every file of `src/`, and a refusal to check nothing.
fn sources() -> Result<Vec<Source>, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(root, &root.join("src"), &mut files)?;
    if files.len() < 10 {
        return Err("src/ holds hardly a file: this test looks in the wrong place".into());
    }
    let tests: BTreeSet<String> = files.iter().flat_map(Source::test_modules).collect();
    files.retain(|file| !tests.contains(&file.path));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.push(Source::new(&name.to_string_lossy(), &fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

fn manifest() -> io::Result<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
}

fn none(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} found\n{}\n", lines.len(), lines.join("\n"));
}

fn check(rule: impl Fn(&Source) -> Vec<Finding>) -> Outcome {
    none(&sources()?.iter().flat_map(rule).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn every_file_opens_with_what_it_holds() -> Outcome {
    check(opens_with_docs)
}

#[test]
fn no_file_is_two() -> Outcome {
    check(|file| is_short(file, LONG))?;
    let names: BTreeSet<String> = sources()?.into_iter().map(|file| file.path).collect();
    for (path, reason) in LONG {
        assert!(names.contains(*path), "LONG names {path}, which does not exist");
        assert!(!reason.is_empty(), "LONG gives no reason for {path}");
    }
    Ok(())
}

#[test]
fn imports_keep_to_the_table() -> Outcome {
    let crates = dependencies(&manifest()?);
    assert!(crates.contains("tokio"), "the dependencies were not found in Cargo.toml");
    check(|file| keeps_to_the_import_table(file, &crates))
}

#[test]
fn the_core_is_pure() -> Outcome {
    check(stays_pure)
}

#[test]
fn only_the_command_line_reads_the_environment() -> Outcome {
    check(leaves_the_environment_to_commands)
}

#[test]
fn assemble_names_every_option() -> Outcome {
    let files = sources()?;
    let (options, rest): (Vec<Source>, Vec<Source>) =
        files.into_iter().partition(|file| file.path.starts_with("src/spec/options/"));
    if options.is_empty() {
        return Ok(());
    }
    let assemble = rest
        .iter()
        .find(|file| file.path == "src/spec/assemble.rs")
        .ok_or("src/spec/options/ exists and src/spec/assemble.rs does not")?;
    let exported: usize = options.iter().map(|file| file.exported_functions().len()).sum();
    assert!(exported > 0, "no function is exported from src/spec/options/: the scan is wrong");
    none(&every_option_is_assembled(assemble, &options));
    Ok(())
}

#[test]
fn generated_code_stays_behind_its_fence() -> Outcome {
    check(includes_no_generated_code)
}

#[test]
fn no_opinion_of_oci_spec_is_taken() -> Outcome {
    check(takes_no_opinions_of_oci_spec)
}

#[test]
fn modules_are_named_after_what_they_hold() -> Outcome {
    check(is_named_after_what_it_holds)
}

#[test]
fn lints_are_kept() -> Outcome {
    check(waives_no_lint)?;
    none(&keeps_the_lints(&manifest()?));
    Ok(())
}

/// Where prose is, and in which files.
const PROSE: &[(&str, &[&str])] = &[
    ("README.md", &["md"]),
    ("CONTRIBUTING.md", &["md"]),
    ("CHANGELOG.md", &["md"]),
    ("Makefile", &[""]),
    ("Containerfile", &[""]),
    ("build.rs", &["rs"]),
    ("docs", &["md"]),
    ("proto", &["proto"]),
    ("src", &["rs"]),
    ("tests", &["rs"]),
    ("benches", &["rs", "py"]),
    ("helm", &["md", "gotmpl", "yaml", "tpl", "txt", "json"]),
    ("deploy", &["md", "service", "socket"]),
    ("examples/README.md", &["md"]),
    ("examples/shell/README.md", &["md"]),
    ("examples/python/README.md", &["md"]),
    ("examples/go/README.md", &["md"]),
    ("examples/node/README.md", &["md"]),
    ("examples/java/README.md", &["md"]),
    ("examples/rust/README.md", &["md"]),
    ("examples/cpp/README.md", &["md"]),
    ("clients/python/README.md", &["md"]),
    ("clients/node/README.md", &["md"]),
    (".ci", &["", "sh", "jq", "py"]),
];

/// What is rendered or holds the refused words themselves.
const NO_PROSE: &[&str] =
    &["helm/specd/golden/", "tests/golden/tidy/prose.rs", "tests/golden/tidy/can_fail.rs"];

#[test]
fn prose_is_plain_english() -> Outcome {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut findings = Vec::new();
    for (place, endings) in PROSE {
        let mut files = Vec::new();
        prose_files(root, &root.join(place), endings, &mut files)?;
        assert!(!files.is_empty(), "{place} holds no prose: this test looks in the wrong place");
        for (path, text) in files {
            if !UNCLEAN.iter().chain(NO_PROSE).any(|skipped| path.starts_with(skipped)) {
                findings.extend(is_plain_english(&path, &text));
            }
        }
    }
    none(&findings);
    Ok(())
}

fn prose_files(
    root: &Path,
    place: &Path,
    endings: &[&str],
    files: &mut Vec<(String, String)>,
) -> io::Result<()> {
    if place.is_dir() {
        for entry in fs::read_dir(place)? {
            prose_files(root, &entry?.path(), endings, files)?;
        }
    } else {
        let ending = place.extension().unwrap_or_default().to_string_lossy();
        if endings.contains(&&*ending) {
            let path = place.strip_prefix(root).unwrap_or(place).to_string_lossy();
            files.push((path.replace('\\', "/"), fs::read_to_string(place)?));
        }
    }
    Ok(())
}
