//! The units in `deploy/systemd`, and the drop-ins of its README.
//!
//! systemd's own tool reads them, offline. Where it is missing that part is skipped.

use crate::support::say::say;
use clap::Parser;
use serde_json::Value;
use specd::commands::{Cli, Command};
use std::fs;
use std::path::Path;
use std::process;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A row of the table: its purpose, the unit, and the content of the drop-in.
fn drop_ins() -> Vec<(String, String, String)> {
    let readme = read("README.md");
    let rows = readme.lines().filter(|line| line.contains("<br>"));
    let cell = |text: &str| text.trim().replace('`', "").replace("<br>", "\n");
    rows.map(|row| {
        let cells: Vec<String> = row.trim_matches('|').split('|').map(cell).collect();
        let [purpose, unit, content] = cells.try_into().unwrap();
        (purpose, unit, content + "\n")
    })
    .collect()
}

/// The value that a line of a unit sets.
fn setting<'a>(unit: &'a str, key: &str) -> Option<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).next_back()
}

#[test]
fn the_unit_starts_the_server() {
    let unit = read("specd.service");
    let start = setting(&unit, "ExecStart").unwrap();
    let Command::Serve(serve) = Cli::try_parse_from(start.split(' ')).unwrap().command else {
        panic!("{start} does not serve")
    };
    assert_eq!(serve.source.containerd.containerd, Path::new("/run/containerd/containerd.sock"));
    let socket = read("specd.socket");
    let name = setting(&socket, "FileDescriptorName").unwrap();
    assert!(start.contains(&format!("--listen fd://{name} ")), "{start}");
    assert_eq!(setting(&unit, "RestartPreventExitStatus"), Some("2"), "a wrong flag stays wrong");
}

/// Without the setting, hostile images take more memory than the limit of the chart.
#[test]
fn the_unit_and_the_image_configure_the_allocator() {
    const SETTING: &str = "MIMALLOC_DISALLOW_ARENA_ALLOC=1";
    assert_eq!(setting(&read("specd.service"), "Environment"), Some(SETTING));
    for file in ["Containerfile", ".ci/image"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert!(text.contains(SETTING), "{file}");
    }
    let (name, value) = SETTING.split_once('=').unwrap();
    let mut specd = process::Command::new(env!("CARGO_BIN_EXE_specd"));
    let output = specd.arg("--version").env(name, value).env("MIMALLOC_VERBOSE", "1").output();
    let said = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(said.contains("option 'disallow_arena_alloc': 1"), "mimalloc does not know it: {said}");
}

#[test]
fn the_user_of_the_drop_ins_is_one_that_systemd_can_create() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let mut sysusers = process::Command::new("systemd-sysusers");
    sysusers.arg(format!("--root={}", root.path().display()));
    sysusers.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd/specd.sysusers"));
    let Ok(output) = sysusers.output() else {
        say("SKIPPED: the user of the systemd units: systemd-sysusers is not on the PATH");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let accounts = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    assert!(accounts.lines().any(|line| line.starts_with("specd:")), "{accounts}");
    assert!(drop_ins().iter().any(|(_, _, content)| content.contains("User=specd")));
}

/// systemd's answer for the service with one drop-in: which settings are in force.
fn settings_in_force(directory: &Path, unit: &str, content: &str) -> Value {
    // The program and its user do not have to exist on this machine.
    let service = read("specd.service").replace("ExecStart=specd", "ExecStart=/bin/true");
    fs::write(directory.join("specd.service"), service).unwrap();
    fs::write(directory.join("specd.socket"), read("specd.socket")).unwrap();
    let drop_in = directory.join(format!("{unit}.d"));
    fs::create_dir(&drop_in).unwrap();
    fs::write(drop_in.join("override.conf"), content).unwrap();
    let analyze = |args: &[&str]| {
        let mut command = process::Command::new("systemd-analyze");
        command.args(args).args(["specd.service"]).current_dir(directory);
        command.env("SYSTEMD_UNIT_PATH", format!("{}:", directory.display())).output().unwrap()
    };
    let verified = analyze(&["verify", "--man=no", "specd.socket"]);
    let words = String::from_utf8_lossy(&verified.stderr);
    let ours = words.lines().find(|line| line.contains("specd") || line.contains("override.conf"));
    assert!(verified.status.success() && ours.is_none(), "{content}\n{words}");
    let security = analyze(&["security", "--offline=true", "--json=short", "--no-pager"]);
    serde_json::from_slice(&security.stdout).unwrap()
}

#[test]
fn systemd_accepts_the_units_with_each_drop_in() {
    if process::Command::new("systemd-analyze").arg("--version").output().is_err() {
        say("SKIPPED: the systemd units: systemd-analyze is not on the PATH");
        return;
    }
    let drop_ins = drop_ins();
    assert!(drop_ins.len() >= 4, "{drop_ins:?}");
    for (purpose, unit, content) in drop_ins {
        let temporary = tempfile::tempdir().unwrap();
        let settings = settings_in_force(temporary.path(), &unit, &content);
        if content.contains("SPECD_SNAPSHOT_ROOT") {
            let restricted = settings
                .as_array()
                .unwrap()
                .iter()
                .find(|setting| setting["json_field"] == "RestrictSUIDSGID");
            // With it a filter refuses openat2, by which snapshots are opened. A dynamic user forces it.
            assert_eq!(restricted.unwrap()["set"], false, "{purpose}: {content}");
        }
    }
}
