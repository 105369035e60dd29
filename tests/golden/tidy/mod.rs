//! The invariants of the house, as a plain test: what no compiler checks and a reviewer forgets.
//!
//! It reads `src/` as text. `rules` holds the table and the lists, `checks` the checks, `scan` and
//! `lex` what of the language they understand; `can_fail` tests each check on a source that breaks its rule.
//!
//! Invariant: a finding says file and line, what is wrong, and what would be right.

mod can_fail;
mod checks;
mod lex;
mod rules;
mod scan;

use checks::*;
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
    check(leaves_the_environment_to_cli)
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
