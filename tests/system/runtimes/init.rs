//! An init program runs first, and then the arguments.

use crate::runtimes::adapted::{self, Host};
use crate::runtimes::bundle::Bundle;
use crate::runtimes::runtime;
use crate::support::control_group::ControlGroup;
use crate::support::golden::case;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Says that it runs, and runs what comes after its first argument.
const INIT: &str = "#!/bin/busybox sh\necho \"init $1\"\nshift\nexec \"$@\"\n";

#[test]
fn an_init_program_of_the_host_runs_the_arguments() {
    let directory = tempfile::tempdir().unwrap();
    let init = directory.path().join("init");
    fs::write(&init, INIT).unwrap();
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();

    let mut golden = case("init-in-docker").wanted().unwrap()["spec"].clone();
    // crun 1.8 takes no newer one.
    golden["ociVersion"] = json!("1.0.2");
    // Nor has runc 1.1 time namespaces.
    let namespaces = golden["linux"]["namespaces"].as_array_mut().unwrap();
    namespaces.retain(|namespace| namespace["type"] != "time");
    let mounts = golden["mounts"].as_array_mut().unwrap();
    mounts.last_mut().unwrap()["source"] = json!(init);
    let args = golden["process"]["args"].as_array_mut().unwrap();
    args.splice(2.., ["/bin/busybox", "echo", "started"].map(Into::into));
    assert_eq!(*args, ["/sbin/docker-init", "--", "/bin/busybox", "echo", "started"]);

    let host = Host::read(&[]);
    let _group = ControlGroup::hold(&adapted::group());
    for runtime in runtime::all() {
        let ran = runtime.run(&Bundle::new(&adapted::spec(&golden, runtime.program, &host)));
        assert!(ran.started, "{}: {}", runtime.name, ran.output);
        assert_eq!(ran.output, "init --\nstarted", "{}", runtime.name);
    }
}
