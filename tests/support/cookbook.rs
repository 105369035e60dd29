//! A document with blocks of commands in the language `sh`: the commands run in their order in one shell, and a block in the language
//! `text` behind one is all that it prints, without blanks at the ends of lines.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The document at a path of the repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The commands of each block.
pub(crate) fn commands(document: &str) -> Vec<&str> {
    let blocks = document.split("```sh\n").skip(1);
    blocks.map(|rest| rest.split("```\n").next().unwrap()).collect()
}

/// A script that runs the blocks, and writes what each prints to a file in the directory `$OUTPUTS`.
pub(crate) fn script(document: &str) -> String {
    let mut script = String::new();
    for (number, commands) in commands(document).iter().enumerate() {
        writeln!(script, "{{\n{commands}}} >\"$OUTPUTS/{number}\" 2>&1").unwrap();
    }
    script
}

/// Compares the blocks of text with what the script wrote; with `BLESS=1` it writes them.
pub(crate) fn compare(path: &str, outputs: &Path) {
    let found = read(path);
    let want = with_outputs(&found, |number| {
        let printed = fs::read_to_string(outputs.join(number.to_string())).unwrap_or_default();
        printed.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
    });
    if std::env::var_os("BLESS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), want).unwrap();
    } else {
        assert_eq!(found, want, "BLESS=1 writes what the commands print to {path}");
    }
}

fn with_outputs(document: &str, print: impl Fn(usize) -> String) -> String {
    let mut parts = document.split("```sh\n");
    let mut text = parts.next().unwrap().to_owned();
    for (number, part) in parts.enumerate() {
        let (commands, rest) = part.split_once("```\n").unwrap();
        let shown = rest.strip_prefix("\n```text\n");
        let rest = shown.map_or(rest, |shown| shown.split_once("```\n").unwrap().1);
        writeln!(text, "```sh\n{commands}```").unwrap();
        let printed = print(number);
        if !printed.is_empty() {
            writeln!(text, "\n```text\n{printed}```").unwrap();
        }
        text.push_str(rest);
    }
    text
}
