//! The harness by itself, with a specification written by hand: what these tests show of containerd and
//! runc, the others may take for granted.

use crate::containerd::image::busybox;
use crate::containerd::on_each_release;
use crate::containerd::task::{Task, run};
use prost_types::Any;
use serde_json::{Value, json};

const NAMESPACE: &str = "harness";
const NAME: &str = "registry.example/busybox:harness";

/// The least that runs, as the image's user.
fn spec(id: &str, args: &[&str]) -> Value {
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 1000, "gid": 1000, "additionalGids": [1000, 33, 2000]},
            "args": args,
            "env": ["PATH=/bin"],
            "cwd": "/srv",
            "noNewPrivileges": true,
        },
        "root": {"path": "rootfs"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {
            "cgroupsPath": format!("/{NAMESPACE}/{id}"),
            "namespaces": [
                {"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network"},
            ],
        },
    })
}

fn any(spec: &Value) -> Any {
    Any {
        type_url: "types.containerd.io/opencontainers/runtime-spec/1/Spec".to_owned(),
        value: serde_json::to_vec(spec).unwrap(),
    }
}

on_each_release! {
    async fn a_container_runs_and_what_it_prints_is_read(daemon: Daemon) {
        let image = busybox();
        image.import(&daemon, NAMESPACE, NAME).await;
        let chain_id = image.chain_id();
        let task = |id, spec: &Value| Task {
            namespace: NAMESPACE,
            id,
            image: NAME,
            chain_id: &chain_id,
            spec: any(spec),
            terminal: false,
        };

        let ran = run(&daemon, &task("one", &spec("one", &["id"]))).await;
        assert_eq!(
            (ran.exit_status, ran.stdout.as_str(), ran.stderr.as_str()),
            (0, "uid=1000(app) gid=1000(app) groups=33(www-data),1000(app),2000(crew)\n", ""),
        );

        let script = "pwd; touch here && ls; echo bad >&2; grep CapBnd /proc/self/status; exit 3";
        let ran = run(&daemon, &task("two", &spec("two", &["sh", "-c", script]))).await;
        assert_eq!(
            (ran.exit_status, ran.stdout.as_str(), ran.stderr.as_str()),
            (3, "/srv\nhere\nCapBnd:\t0000000000000000\n", "bad\n"),
        );

        let mut with_terminal = spec("three", &["tty"]);
        with_terminal["process"]["terminal"] = json!(true);
        with_terminal["mounts"].as_array_mut().unwrap().extend([
            json!({"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}),
            json!({
                "destination": "/dev/pts", "type": "devpts", "source": "devpts",
                "options": ["newinstance", "ptmxmode=0666", "mode=0620"],
            }),
        ]);
        let task = Task { terminal: true, ..task("three", &with_terminal) };
        let ran = run(&daemon, &task).await;
        assert_eq!((ran.exit_status, ran.stdout.as_str()), (0, "/dev/pts/0\r\n"));
    }
}
