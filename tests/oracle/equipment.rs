//! What options ask of the host: the same `/dev` on both sides, since both run here, and the same CDI
//! specifications, those of `cdi/`.

use crate::case::Op;
use crate::options::{Row, json_of};
use crate::text;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};
use specd::api::pb::specd as pb;
use specd::generate::Machine;
use specd::host::cdi_directories::CdiDirectories;
use specd::host::dev::Dev;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// This machine, with the specifications of `cdi/`.
pub(crate) fn machine() -> Machine {
    Machine {
        devices: Arc::new(Dev::below(PathBuf::from("/"))),
        cdi: Arc::new(CdiDirectories::new(directories())),
    }
}

fn directories() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/cdi");
    ["etc", "run"].map(|name| root.join(name)).to_vec()
}

fn devices(options: &mut pb::SpecOptions) -> &mut pb::DeviceOptions {
    options.devices.get_or_insert_default()
}

fn host_device(value: &Value, follow_symlinks: bool) -> pb::HostDevice {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    pb::HostDevice {
        path: text("Path"),
        container_path: text("ContainerPath"),
        permissions: text("Access"),
        follow_symlinks,
    }
}

fn access() -> BoxedStrategy<String> {
    text::of(&["r", "rw", "rwm", "m"])
}

/// A device or a directory, now and then what is neither.
pub(crate) const DEVICES: Row = Row {
    name: "WithDevices",
    values: || {
        let good =
            text::of(&["/dev/null", "/dev/full", "/dev//zero", "/dev/net", "/dev/net/", "/dev"]);
        let bad = text::of(&["/dev/none", "/etc/passwd", "/proc/self/exe", "/dev/null/x"]);
        let path = prop_oneof![12 => good, 1 => bad];
        let inside = text::of(&["", "", "/dev/mine", "/x/../y/"]);
        (path, inside, access())
            .prop_map(|(path, inside, access)| {
                json!({"Path": path, "ContainerPath": inside, "Access": access})
            })
            .boxed()
    },
    ops: |value, ops| ops.push(Op::new("WithDevices", value.clone())),
    pb: |value, options| devices(options).host.push(host_device(value, false)),
    percent: 6,
};

/// A device by whatever path leads to it.
pub(crate) const FOLLOWED_DEVICE: Row = Row {
    name: "WithLinuxDeviceFollowSymlinks",
    values: || {
        let path = text::of(&[
            "/dev/tty",
            "/proc/self/root/dev/random",
            "/proc/self/root//dev/../dev/tty",
        ]);
        (path, access()).prop_map(|(path, access)| json!({"Path": path, "Access": access})).boxed()
    },
    ops: |value, ops| ops.push(Op::new("WithLinuxDeviceFollowSymlinks", value.clone())),
    pb: |value, options| devices(options).host.push(host_device(value, true)),
    percent: 4,
};

/// Every device.
pub(crate) const HOST_DEVICES: Row = Row {
    name: "WithHostDevices",
    values: || Just(Value::Null).boxed(),
    ops: |_, ops| ops.push(Op::new("WithHostDevices", Value::Null)),
    pb: |_, options| devices(options).all_host = true,
    percent: 3,
};

/// The devices of `cdi/`, and some that are not there.
const NAMES: [&str; 14] = [
    "vendor.com/gpu=0",
    "vendor.com/gpu=path",
    "vendor.com/gpu=null0",
    "vendor.com/gpu=quiet",
    "vendor.com/gpu=mounts",
    "vendor.com/gpu=rdt",
    "vendor.com/gpu=missing",
    "vendor.com/over=x",
    "vendor.com/net=eth",
    "vendor.com/quiet=x",
    "vendor.com/dup=x",
    "vendor.com/broken=x",
    "vendor.com/gpu=9",
    "gpu0",
];

/// CDI devices, in any order.
pub(crate) const CDI_DEVICES: Row = Row {
    name: "WithCDIDevices",
    values: || {
        let good: Vec<&str> = NAMES.iter().copied().filter(|name| is_there(name)).collect();
        let good = subsequence(good, 1..4).prop_shuffle();
        let any = subsequence(NAMES.to_vec(), 0..3).prop_shuffle();
        json_of(prop_oneof![12 => good, 1 => any])
    },
    ops: |value, ops| {
        let dirs = directories();
        ops.push(Op::new("WithCDIDevices", json!({"Dirs": dirs, "Devices": value})));
    },
    pb: |value, options| {
        let names = value.as_array().unwrap().iter();
        options.cdi_devices = names.map(|name| name.as_str().unwrap().to_owned()).collect();
    },
    percent: 8,
};

fn is_there(name: &str) -> bool {
    name.contains('/') && !["missing", "dup", "broken", "=9"].iter().any(|part| name.contains(part))
}
