//! `specd validate`: checks a finished spec against the rules of the runtimes.

use crate::commands::flag_values::switch;
use crate::commands::{Failure, Form, print, print_json};
use crate::spec::encode::TYPE_URL;
use crate::spec::rules::{Broken, RULES, Rule, find_broken_in_json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Display;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Flags of `validate`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  specd validate bundle/config.json\n  specd generate nginx \
                  | specd validate -\n  specd validate --rules")]
pub struct ValidateArgs {
    /// A spec, for example a bundle's config.json, or its Any as JSON; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "rules")]
    file: Option<PathBuf>,
    /// List the rules and their sources instead
    #[arg(long, env = "SPECD_RULES", value_parser = switch(), conflicts_with = "file")]
    rules: bool,
    /// Refuse also by the rules that are specd's own, which are warnings otherwise
    #[arg(long, env = "SPECD_VALIDATE_STRICT", value_parser = switch())]
    strict: bool,
    /// The form of the output
    #[arg(long, value_name = "FORM", env = "SPECD_VALIDATE_OUTPUT", default_value = "text")]
    output: Form,
}

pub(super) fn run(args: ValidateArgs) -> Result<(), Failure> {
    let ValidateArgs { file, rules, strict, output } = args;
    let Some(file) = file.filter(|_| !rules) else { return print_rules(output) };
    let found = find_broken_in_json(read_spec(&file)?);
    match output {
        Form::Json => print_json(&report(&found, strict))?,
        Form::Text if found.is_empty() => print("valid")?,
        Form::Text => {
            let lines = found.iter().map(|one| text(one, strict));
            print(&lines.collect::<Vec<_>>().join("\n"))?;
        }
    }
    match found.iter().filter(|one| refuses(one.rule, strict)).count() {
        0 => Ok(()),
        1 => Err(Failure::run("the spec breaks a rule")),
        count => Err(Failure::run(format_args!("the spec breaks the rules in {count} places"))),
    }
}

/// Reads a spec, or the `Any` of one that `generate --output any` printed.
fn read_spec(file: &Path) -> Result<Value, Failure> {
    let stdin = file == Path::new("-");
    let name = if stdin { Path::new("standard input") } else { file };
    let invalid = |error: &dyn Display| Failure::usage(format_args!("{}: {error}", name.display()));
    let parse = |bytes: &[u8]| {
        serde_json::from_slice(bytes)
            .map_err(|error| invalid(&format_args!("invalid JSON: {error}")))
    };
    let mut bytes = Vec::new();
    let read = if stdin {
        std::io::stdin().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    read.map_err(|error| invalid(&error))?;
    let value: Value = parse(&bytes)?;
    match (value.get("typeUrl"), value.get("value").and_then(Value::as_str)) {
        (Some(kind), Some(packed)) if kind == TYPE_URL => {
            let packed = STANDARD.decode(packed);
            parse(&packed.map_err(|error| invalid(&format_args!("value: {error}")))?)
        }
        _ => Ok(value),
    }
}

/// Whether a spec that breaks a rule is invalid: a runtime starts what breaks only a rule of specd's own.
fn refuses(rule: &Rule, strict: bool) -> bool {
    rule.refuses && (strict || !rule.is_own())
}

fn text(one: &Broken, strict: bool) -> String {
    let Rule { name, sentence, source, .. } = one.rule;
    let kind = if refuses(one.rule, strict) { "error" } else { "warning" };
    format!("{kind}: {one}\n  {name}: {sentence} ({source})")
}

fn report(found: &[Broken], strict: bool) -> Value {
    let entry = |one: &Broken| {
        json!({
            "path": one.place.to_string(),
            "description": one.description,
            "rule": one.rule.name,
            "sentence": one.rule.sentence,
            "source": one.rule.source,
        })
    };
    let entries = |wrong| -> Vec<Value> {
        found.iter().filter(|one| refuses(one.rule, strict) == wrong).map(entry).collect()
    };
    let (violations, warnings) = (entries(true), entries(false));
    json!({ "valid": violations.is_empty(), "violations": violations, "warnings": warnings })
}

fn print_rules(output: Form) -> Result<(), Failure> {
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
        Form::Text => print(&RULES.iter().map(line).collect::<Vec<_>>().join("\n")),
        Form::Json => print_json(&RULES.iter().map(json).collect::<Value>()),
    }
}
