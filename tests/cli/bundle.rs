//! A bundle with the output of `specd generate` as its `config.json`, run by runc unchanged.

use crate::run;
use crate::support::control_group::ControlGroup;
use crate::support::layout::{Layout, dir, executable, file, symlink};
use crate::support::{layout, say::say};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

const BUSYBOX: &str = "/bin/busybox";

fn missing() -> Option<&'static str> {
    let root = rustix::process::geteuid().is_root();
    let runc = Command::new("runc").arg("--version").output().is_ok();
    match (root, runc, Path::new(BUSYBOX).is_file()) {
        (false, ..) => Some("it needs root"),
        (_, false, _) => Some("runc is not on the PATH"),
        (.., false) => Some("there is no static /bin/busybox"),
        _ => None,
    }
}

/// A bundle of an image, and the container that it becomes.
struct Bundle {
    directory: tempfile::TempDir,
    layout: Layout,
    id: String,
    _control_group: ControlGroup,
}

/// The namespace of the containers, which their control groups are named by.
const NAMESPACE: &str = "specd";

impl Bundle {
    fn new(name: &str, command: &str) -> Self {
        let mut entries = vec![
            dir("bin"),
            executable("bin/busybox", std::fs::read(BUSYBOX).unwrap()),
            dir("etc"),
            file("etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"),
            file("etc/group", "app:x:1000:\nmedia:x:2000:app\n"),
            dir("srv"),
        ];
        entries.extend(
            ["sh", "id", "cat", "grep", "uname", "ionice"]
                .map(|applet| symlink(&format!("bin/{applet}"), "busybox")),
        );
        let archive = layout::tar(&entries);
        let mut layout = Layout::temp();
        let layer = layout.raw_layer(layout::Zstd, &archive);
        let image = layout.image(
            json!({"os": "linux", "architecture": "amd64", "config": {
                "User": "app", "WorkingDir": "/srv", "Env": ["PATH=/bin"], "Cmd": ["sh", "-c", command],
            }}),
            &[layer],
        );
        layout.tag("app", &image.manifest);
        let directory = tempfile::tempdir().unwrap();
        let rootfs = directory.path().join("rootfs");
        std::fs::create_dir(&rootfs).unwrap();
        tar::Archive::new(archive.as_slice()).unpack(&rootfs).unwrap();
        let id = format!("specd-{name}-{}", std::process::id());
        Self { directory, layout, id, _control_group: ControlGroup::hold(NAMESPACE) }
    }

    /// What `specd generate` prints, run by runc as it is.
    fn run(&self, more: &[&str]) -> Output {
        let root = self.layout.root().to_str().unwrap();
        let mut args = vec!["generate", "app", "--oci-layout", root, "--platform", "linux/amd64"];
        args.extend(["--namespace", NAMESPACE, "--id", &self.id, "--profile", "containerd"]);
        args.extend(more);
        let said = run(&args);
        assert_eq!(said.code, Some(0), "{}", said.err);
        std::fs::write(self.directory.path().join("config.json"), said.out).unwrap();
        let state = tempfile::tempdir().unwrap();
        let mut runc = Command::new("runc");
        runc.arg("--root").arg(state.path()).args(["run", "--bundle"]);
        runc.arg(self.directory.path()).arg(&self.id).output().unwrap()
    }

    /// What a container with these options says.
    fn says(&self, options: &Value) -> String {
        let path = self.directory.path().join("options.json");
        std::fs::write(&path, options.to_string()).unwrap();
        let output = self.run(&["--options", path.to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn runc_runs_what_generate_prints() {
    if let Some(why) = missing() {
        say(&format!("SKIPPED: a bundle run by runc: {why}"));
        return;
    }
    let output = Bundle::new("plain", "id; pwd").run(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "uid=1000(app) gid=1000(app) groups=1000(app),2000(media)\n/srv\n"
    );
}

#[test]
fn hooks_users_and_filesystems_in_memory_are_what_runc_understands() {
    if let Some(why) = missing() {
        say(&format!("SKIPPED: options in a bundle run by runc: {why}"));
        return;
    }
    let bundle = Bundle::new("options", "id; cat /proc/self/mounts");
    let mark = |name: &str| bundle.directory.path().join(name);
    let touch =
        |name: &str| json!([{"path": "/bin/touch", "args": ["touch", mark(name)], "timeout": 30}]);
    let said = bundle.says(&json!({
        "user": {"username": "app", "without_groups": true},
        "root": {"propagation": "MOUNT_PROPAGATION_RSLAVE"},
        "mounts": {"tmpfs": [{"destination": "/scratch", "size_bytes": "1048576", "mode": 448}]},
        "hooks": {"create_runtime": touch("created"), "poststop": touch("stopped")},
        "oci_version": "1.0.2",
    }));
    assert!(said.starts_with("uid=1000(app) gid=1000(app) groups=1000(app)\n"), "{said}");
    let scratch = said.lines().find(|line| line.contains(" /scratch tmpfs ")).unwrap();
    for option in ["nosuid", "nodev", "noexec", "size=1024k", "mode=700"] {
        assert!(scratch.contains(option), "{option}: {scratch}");
    }
    assert!(mark("created").exists() && mark("stopped").exists());
}

#[test]
fn scheduling_and_clocks_are_what_a_newer_runc_understands() {
    let why = missing().or_else(|| (!is_newer()).then_some("runc is older than 1.2"));
    if let Some(why) = why {
        say(&format!("SKIPPED: scheduling and clocks in a bundle run by runc: {why}"));
        return;
    }
    let command =
        "grep -E '^policy' /proc/self/sched; ionice; uname -m; cat /proc/self/timens_offsets";
    let said = Bundle::new("scheduling", command).says(&json!({
        "process": {
            "scheduler": {"policy": "SCHEDULER_POLICY_BATCH", "nice": 5},
            "io_priority": {"class": "IO_PRIORITY_CLASS_BE", "priority": 6},
            "personality": {"domain": "PERSONALITY_DOMAIN_LINUX32"},
        },
        "namespaces": {
            "time": {"private": {}},
            "time_offsets": {"monotonic": {"secs": "86400", "nanosecs": 5}},
        },
    }));
    let words: Vec<&str> = said.split_whitespace().collect();
    assert!(words.ends_with(&["monotonic", "86400", "5", "boottime", "0", "0"]), "{said}");
    assert!(words.contains(&"i686"), "{said}");
    assert!(said.contains("best-effort: prio 6"), "{said}");
    assert!(words.starts_with(&["policy", ":", "3"]), "{said}");
}

/// Whether runc knows of the runtime specification 1.2.
fn is_newer() -> bool {
    let output = Command::new("runc").arg("--version").output().unwrap();
    let said = text(&output.stdout);
    let version = said.lines().find_map(|line| line.strip_prefix("spec: "));
    version.is_some_and(|version| !version.starts_with("1.0") && !version.starts_with("1.1"))
}
