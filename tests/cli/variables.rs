//! Environment variables: a flag on the command line comes first, and an error names the variable that it is about.

use crate::serve::{Server, layout};
use crate::{Said, said, specd};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

fn run(args: &[&str], variables: &[(&str, &str)]) -> Said {
    said(&specd(args).envs(variables.iter().copied()).output().unwrap())
}

#[test]
fn a_source_on_the_command_line_wins_over_variables() {
    let layout = layout();
    let root = layout.root().to_str().unwrap();
    let source = ["--oci-layout", root, "--platform", "linux/amd64"];
    let server = Server::start(&source);
    server.wait("specd.v1.SpecService");
    let variables = [
        ("SPECD_SERVER", "unix:///nowhere/specd.sock"),
        ("SPECD_CONTAINERD", "/nowhere/containerd.sock"),
        ("SPECD_OCI_LAYOUT", "/nowhere/layout"),
    ];
    for flags in [&source[..], &["--server", &server.socket]] {
        for variables in [&variables[..1], &variables[1..2], &variables[2..], &variables] {
            let said = run(&[&["generate", "app"], flags].concat(), variables);
            assert_eq!(said.code, Some(0), "{flags:?} {variables:?}: {}", said.err);
        }
    }
    let said = run(&["generate", "app", "--containerd", "/flag.sock"], &variables);
    assert!(said.code == Some(1) && said.err.contains("/flag.sock"), "{}", said.err);
    let said = run(&["serve", "--oci-layout", root, "--print-config"], &variables[1..2]);
    assert!(said.out.contains(&format!("\"oci-layout\": \"{root}\"")), "{}", said.out);
    // A variable about the host may be meant for another command.
    let flags = ["generate", "app", "--server", &server.socket];
    assert_eq!(run(&flags, &[("SPECD_KERNEL", "6.1")]).code, Some(0));
    // Two variables are as good as each other.
    for two in [[variables[0], variables[2]], [variables[1], variables[2]]] {
        let said = run(&["generate", "app"], &two);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains("SPECD_OCI_LAYOUT"), "{}", said.err);
    }
}

#[test]
fn an_error_about_a_value_of_a_variable_names_the_variable() {
    for (args, variable, value, words) in [
        (
            &["generate", "app"][..],
            "SPECD_MEMORY",
            "foo",
            "tip: '--memory <BYTES>' is from the variable SPECD_MEMORY",
        ),
        (
            &["serve"],
            "SPECD_NO_REFLECTION",
            "maybe",
            "tip: '--no-reflection' is from the variable SPECD_NO_REFLECTION",
        ),
        (
            &["generate", "app"],
            "SPECD_OPTIONS",
            "/nowhere",
            "error: --options (from SPECD_OPTIONS): cannot read /nowhere",
        ),
        (
            &["serve"],
            "SPECD_PROFILES_DIR",
            "/nowhere",
            "error: --profiles-dir (from SPECD_PROFILES_DIR): /nowhere",
        ),
        (
            &["serve"],
            "SPECD_ALLOW_UID",
            "1000",
            "error: --allow-uid (from SPECD_ALLOW_UID) applies to unix sockets only",
        ),
    ] {
        let said = run(args, &[(variable, value)]);
        assert!(said.code != Some(0) && said.err.contains(words), "{variable}: {}", said.err);
    }
    let said = run(&["generate", "app", "--memory", "foo"], &[("SPECD_MEMORY", "foo")]);
    assert!(said.code == Some(2) && !said.err.contains("SPECD_"), "{}", said.err);
    let mut command = specd(&["generate", "app"]);
    let said =
        self::said(&command.env("SPECD_HOSTNAME", OsStr::from_bytes(b"\xff")).output().unwrap());
    let words = "tip: the variable SPECD_HOSTNAME is not UTF-8 text";
    assert!(said.code == Some(2) && said.err.contains(words), "{}", said.err);
}

#[test]
fn the_variable_of_a_switch_takes_what_people_write() {
    for (value, want) in [
        ("1", true),
        ("true", true),
        ("yes", true),
        ("0", false),
        ("false", false),
        ("no", false),
        ("", false),
    ] {
        let said = run(&["serve", "--print-config"], &[("SPECD_NO_REFLECTION", value)]);
        assert_eq!(said.code, Some(0), "{value:?}: {}", said.err);
        let line = format!("\"no-reflection\": {want}");
        assert!(said.out.contains(&line), "{value:?}: {}", said.out);
    }
}
