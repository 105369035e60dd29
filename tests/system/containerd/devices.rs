//! Devices of the host and of CDI, from a request to a process that uses them.

use crate::containerd::image::busybox;
use crate::containerd::on_each_release;
use crate::containerd::serve::Served;
use crate::containerd::task::{Ran, Task, run};
use crate::support::daemon::Daemon;
use specd::api::pb::specd::{
    CapabilityOptions, DeviceOptions, GenerateRequest, HostDevice, PrivilegedMode, ProcessOptions,
    SecurityOptions, SpecOptions, StringList,
};
use std::path::Path;

const NAME: &str = "docker.io/library/busybox:devices";

/// Runs a script as root in an image's container, with what the options give it.
async fn run_script(daemon: &Daemon, flags: &[&str], options: SpecOptions, script: &str) -> Ran {
    busybox().import(daemon, "e2e", NAME).await;
    let served = Served::start_with(daemon, flags).await;
    let values = ["sh", "-c", script].map(str::to_owned).to_vec();
    let process = ProcessOptions { entrypoint: Some(StringList { values }), ..Default::default() };
    let user =
        specd::api::pb::specd::UserOptions { user: Some("0:0".to_owned()), ..Default::default() };
    let request = GenerateRequest {
        image: NAME.to_owned(),
        namespace: "e2e".to_owned(),
        id: "devices".to_owned(),
        profile: "containerd".to_owned(),
        options: Some(SpecOptions { process: Some(process), user: Some(user), ..options }.into()),
        ..Default::default()
    };
    let answer = served.client().await.generate(request).await.unwrap().into_inner();
    let image = answer.image.unwrap();
    let task = Task {
        namespace: "e2e",
        id: "devices",
        image: &image.name,
        chain_id: &answer.container.unwrap().snapshot.unwrap().parent,
        spec: answer.spec.unwrap(),
        terminal: false,
    };
    run(daemon, &task).await
}

/// A node for the kernel's `full`, which reads as zeros and takes nothing.
fn make_full(path: &Path, mode: u32) {
    use rustix::fs::{CWD, FileType, Mode, chmodat, makedev, mknodat};
    let mode = Mode::from_raw_mode(mode);
    mknodat(CWD, path, FileType::CharacterDevice, mode, makedev(1, 7)).unwrap();
    chmodat(CWD, path, mode, rustix::fs::AtFlags::empty()).unwrap();
}

const LOOK: &str = "stat -c '%t:%T %a' /dev/mine; dd if=/dev/mine bs=4 count=1 2>/dev/null | wc -c; \
    echo x >/dev/mine && echo written; echo $MINE; cat /mnt/note";

on_each_release! {
    async fn a_device_of_the_host_is_there_with_its_permissions(daemon: Daemon) {
        let node = daemon.path("full");
        make_full(&node, 0o640);
        let host = vec![HostDevice {
            path: node.to_str().unwrap().to_owned(),
            container_path: "/dev/mine".to_owned(),
            permissions: "r".to_owned(),
            follow_symlinks: false,
        }];
        let devices = DeviceOptions { host, ..Default::default() };
        let options = SpecOptions { devices: Some(devices), ..Default::default() };
        let ran = run_script(&daemon, &[], options, LOOK).await;
        assert!(ran.stdout.starts_with("1:7 640\n4\n"), "{ran:?}");
        assert!(!ran.stdout.contains("written"), "{ran:?}");
    }
}

on_each_release! {
    async fn a_cdi_device_brings_its_environment_its_node_and_its_mount(daemon: Daemon) {
        let (root, cdi) = (daemon.path("host"), daemon.path("cdi"));
        for directory in [&root.join("dev"), &cdi] {
            std::fs::create_dir_all(directory).unwrap();
        }
        make_full(&root.join("dev/full0"), 0o604);
        let note = daemon.path("note");
        std::fs::write(&note, "of the vendor\n").unwrap();
        let specification = format!(
            "cdiVersion: 0.5.0\nkind: vendor.com/full\ncontainerEdits:\n  env: [MINE=yes]\ndevices:\n\
             - name: \"0\"\n  containerEdits:\n    deviceNodes:\n    - {{path: /dev/mine, hostPath: /dev/full0, permissions: r}}\n    \
             mounts:\n    - {{hostPath: {}, containerPath: /mnt/note, options: [bind, ro]}}\n",
            note.display()
        );
        std::fs::write(cdi.join("full.yaml"), specification).unwrap();
        let options =
            SpecOptions { cdi_devices: vec!["vendor.com/full=0".to_owned()], ..Default::default() };
        let flags =
            ["--dev-root", root.to_str().unwrap(), "--cdi-spec-dir", cdi.to_str().unwrap()];
        let ran = run_script(&daemon, &flags, options, LOOK).await;
        assert_eq!(ran.stdout, "1:7 604\n4\nyes\nof the vendor\n", "{ran:?}");
    }
}

on_each_release! {
    async fn a_container_privileged_as_dockers_has_the_hosts_devices(daemon: Daemon) {
        let security =
            SecurityOptions { privileged: PrivilegedMode::Docker.into(), ..Default::default() };
        // The machine of a test may not have every capability to give.
        let set = Some(StringList { values: vec!["CAP_CHOWN".to_owned()] });
        let capabilities = CapabilityOptions { set, ..Default::default() };
        let options = SpecOptions {
            security: Some(security),
            capabilities: Some(capabilities),
            ..Default::default()
        };
        let ran = run_script(&daemon, &[], options, "stat -c '%t:%T' /dev/full /dev/loop-control").await;
        let inside = |path: &str| std::fs::symlink_metadata(path).is_ok();
        assert!(ran.stdout.starts_with("1:7\n"), "{ran:?}");
        assert_eq!(ran.stdout.contains("a:ed\n"), inside("/dev/loop-control"), "{ran:?}");
    }
}
