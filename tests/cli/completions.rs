//! `specd completions` and the manual pages.

use crate::run;
use crate::support::say::say;
use std::process::{Command, Stdio};

/// Runs a program with a text on its standard input. Absent if there is no such program.
fn filter(program: &str, args: &[&str], text: &str) -> Option<(bool, String)> {
    use std::io::Write as _;
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(said).unwrap()))
}

#[test]
fn every_shell_gets_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = run(&["completions", shell]);
        assert_eq!(said.code, Some(0), "{}", said.err);
        for word in ["generate", "explain", "security-opt", "otlp-endpoint"] {
            assert!(said.out.contains(word), "{shell} has no {word}");
        }
    }
    assert_eq!(run(&["completions", "nonsense"]).code, Some(2));
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let script = run(&["completions", "bash"]).out;
    for (words, wanted) in [
        ("specd gen", "generate"),
        ("specd generate --cap-", "--cap-add --cap-drop"),
        ("specd explain --output h", "html"),
    ] {
        let list: Vec<&str> = words.split(' ').collect();
        let last = list.len() - 1;
        let (word, before) = (list[last], list[last - 1]);
        let text = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={last}\n_specd specd {word} {before}\necho \"${{COMPREPLY[@]}}\"\n"
        );
        let (is_ok, said) = filter("bash", &["--norc"], &text).unwrap();
        assert!(is_ok && said.trim() == wanted, "{words}: {said}");
    }
    for (shell, args) in [("zsh", ["-n"]), ("fish", ["-n"])] {
        match filter(shell, &args, &run(&["completions", shell]).out) {
            Some((is_ok, said)) => assert!(is_ok, "{shell}: {said}"),
            None => say(&format!("SKIPPED: the completions of {shell}: it is not on the PATH")),
        }
    }
}

#[test]
fn every_command_has_a_manual_page_with_its_flags() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("share/man1");
    let said = run(&["man-pages", pages.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let help = run(&["--help"]).out;
    let commands = help.split_once("Commands:\n").unwrap().1.split("\n\n").next().unwrap();
    let commands: Vec<&str> =
        commands.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(commands.contains(&"serve") && commands.contains(&"man-pages"), "{help}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let page = std::fs::read_to_string(pages.join(format!("specd-{command}.1"))).unwrap();
        let help = run(&[command, "--help"]).out;
        let flags = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
        for flag in flags.filter(|flag| {
            flag.len() > 3 && flag.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        }) {
            let escaped = flag.replace('-', "\\-");
            assert!(page.contains(&escaped), "{command} has no {flag}");
        }
        match filter("groff", &["-man", "-ww", "-z", "-"], &page) {
            Some((is_ok, said)) => assert!(is_ok && said.is_empty(), "{command}: {said}"),
            None => say("SKIPPED: the form of the manual pages: groff is not on the PATH"),
        }
    }
    let said = run(&["man-pages", pages.join("specd.1").to_str().unwrap()]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("cannot write to "), "{}", said.err);
}
