//! `specd validate`: the rules on finished specs, on any spec.

use crate::cli::validate::{Output, ValidateArgs};
use crate::commands::{Failure, print};
use crate::spec::encode::TYPE_URL;
use crate::spec::validate::{Broken, RULES, Rule, broken};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

pub(crate) fn run(args: &ValidateArgs) -> Result<(), Failure> {
    let Some(file) = args.file.as_deref().filter(|_| !args.rules) else {
        return print(&rules(args.output)?);
    };
    let found = broken(&spec(file)?);
    let refused = found.iter().filter(|one| one.rule.refuses).count();
    match args.output {
        Output::Json => print(&pretty(&report(&found))?)?,
        Output::Text if found.is_empty() => print("valid")?,
        Output::Text => print(&found.iter().map(text).collect::<Vec<_>>().join("\n"))?,
    }
    match refused {
        0 => Ok(()),
        1 => Err(Failure::run("the spec breaks a rule")),
        count => Err(Failure::run(format_args!("the spec breaks the rules in {count} places"))),
    }
}

/// Reads a spec, or the `Any` of one; a file that cannot be read or is no JSON is the wrong file.
fn spec(file: &Path) -> Result<Value, Failure> {
    let name = if file == Path::new("-") { Path::new("standard input") } else { file };
    let wrong =
        |error: &dyn std::fmt::Display| Failure::usage(format_args!("{}: {error}", name.display()));
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    let bytes = bytes.map_err(|error| wrong(&error))?;
    let parse = |bytes: &[u8]| {
        serde_json::from_slice(bytes).map_err(|error| wrong(&format_args!("no JSON: {error}")))
    };
    let value: Value = parse(&bytes)?;
    // What `generate --output any` prints.
    match (value.get("typeUrl"), value.get("value").and_then(Value::as_str)) {
        (Some(kind), Some(packed)) if kind == TYPE_URL => {
            let packed = STANDARD.decode(packed);
            parse(&packed.map_err(|error| wrong(&format_args!("value: {error}")))?)
        }
        _ => Ok(value),
    }
}

fn text(one: &Broken) -> String {
    let Rule { name, sentence, source, refuses, .. } = one.rule;
    let kind = if *refuses { "error" } else { "warning" };
    format!("{kind}: {one}\n  {name}: {sentence} ({source})")
}

fn report(found: &[Broken]) -> Value {
    let entry = |one: &Broken| {
        json!({
            "path": one.path,
            "description": one.description,
            "rule": one.rule.name,
            "sentence": one.rule.sentence,
            "source": one.rule.source,
        })
    };
    let of = |refuses| found.iter().filter(move |one| one.rule.refuses == refuses).map(entry);
    let violations: Vec<Value> = of(true).collect();
    json!({
        "valid": violations.is_empty(),
        "violations": violations,
        "warnings": of(false).collect::<Vec<_>>(),
    })
}

fn rules(output: Output) -> Result<String, Failure> {
    let json = |rule: &Rule| {
        json!({
            "name": rule.name,
            "sentence": rule.sentence,
            "source": rule.source,
            "refuses": rule.refuses,
        })
    };
    let line = |rule: &Rule| {
        let kind = if rule.refuses { "" } else { " (warning)" };
        format!("{}{kind}\n  {} ({})", rule.name, rule.sentence, rule.source)
    };
    match output {
        Output::Text => Ok(RULES.iter().map(line).collect::<Vec<_>>().join("\n")),
        Output::Json => pretty(&RULES.iter().map(json).collect()),
    }
}

fn pretty(value: &Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(Failure::run)
}
