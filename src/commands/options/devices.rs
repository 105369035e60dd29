//! The flags of devices.

use super::some;
use super::values::fields;
use crate::api::pb::specd as pb;
use crate::domain::cdi_name::CdiName;
use crate::domain::limits::NAMED_DEVICES;
use clap::Args;

/// The kind of the devices that `--gpus` names.
const GPU: &str = "nvidia.com/gpu";

/// The devices of the container.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Devices")]
pub(super) struct DeviceArgs {
    /// A device of the host, a directory of devices, or a CDI device by its name VENDOR/CLASS=NAME; may be repeated
    #[arg(long, value_name = "PATH[:PATH][:rwm]", env = "SPECD_DEVICE", value_parser = device)]
    device: Vec<Device>,
    /// A CDI device by its fully qualified name; may be repeated
    #[arg(long, value_name = "VENDOR/CLASS=NAME", env = "SPECD_CDI_DEVICE")]
    cdi_device: Vec<String>,
    /// NVIDIA GPUs by CDI: all, the first N, or device=0,1 by index or UUID, in double quotes if there are several; may be repeated
    #[arg(long, value_name = "GPUS", env = "SPECD_GPUS", value_parser = gpus)]
    gpus: Vec<Gpus>,
    /// Allow devices by a rule: a, b or c, MAJOR:MINOR with * for any, and letters of rwm; may be repeated
    #[arg(long, value_name = "RULE", env = "SPECD_DEVICE_CGROUP_RULE", value_parser = rule)]
    device_cgroup_rule: Vec<pb::DeviceRule>,
}

/// What `--device` names.
#[derive(Debug, Clone, PartialEq)]
enum Device {
    Host(pb::HostDevice),
    Cdi(String),
}

/// The CDI devices that `--gpus` names.
#[derive(Debug, Clone, PartialEq)]
struct Gpus(Vec<String>);

impl DeviceArgs {
    /// The options of devices, and the CDI devices.
    pub(super) fn options(self) -> (Option<pb::DeviceOptions>, Vec<String>) {
        let Self { device, cdi_device: mut cdi, gpus, device_cgroup_rule: rules } = self;
        let mut host = Vec::new();
        for device in device {
            match device {
                Device::Host(device) => host.push(device),
                Device::Cdi(name) => cdi.push(name),
            }
        }
        cdi.extend(gpus.into_iter().flat_map(|Gpus(names)| names));
        (some(pb::DeviceOptions { host, rules, ..Default::default() }), cdi)
    }
}

/// Whether a text is an access to a device: each letter of `rwm` once at most.
fn is_access(text: &str) -> bool {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    letters.len() == text.len() && !text.is_empty() && text.chars().all(|c| "rwm".contains(c))
}

/// Parses a path, a path and one in the container, each with or without an access; or the name of a CDI device.
fn device(text: &str) -> Result<Device, String> {
    if !text.starts_with('/') && text.contains('=') {
        return CdiName::parse(text).map(|name| Device::Cdi(name.to_string()));
    }
    let parts: Vec<&str> = text.split(':').collect();
    let (path, container_path, permissions) = match parts[..] {
        [path] => (path, "", ""),
        [path, access] if is_access(access) => (path, "", access),
        [path, inside] if inside.starts_with('/') => (path, inside, ""),
        [path, inside, access] if inside.starts_with('/') && is_access(access) => {
            (path, inside, access)
        }
        _ => ("", "", ""),
    };
    if !path.starts_with('/') {
        let text = "expected absolute paths and letters of rwm, for example /dev/fuse, /dev/sda:/dev/xvda:rw or \
                    /dev/net/tun:rw, or a CDI device, for example nvidia.com/gpu=0";
        return Err(text.to_owned());
    }
    let [path, container_path, permissions] =
        [path, container_path, permissions].map(str::to_owned);
    Ok(Device::Host(pb::HostDevice { path, container_path, permissions, follow_symlinks: false }))
}

/// Parses Docker's request for GPUs. Docker: `opts.GpuOpts`; a number means the first ones.
fn gpus(text: &str) -> Result<Gpus, String> {
    let expected =
        || format!("expected all, a number from 1 to {NAMED_DEVICES}, or '\"device=0,1\"'");
    let mut names: Option<Vec<String>> = None;
    for field in fields(text)? {
        let found = match field.split_once('=').unwrap_or(("count", &field)) {
            ("count", "all") => vec!["all".to_owned()],
            ("count", count) => {
                let count = count.parse().ok().filter(|n| (1..=NAMED_DEVICES).contains(n));
                (0..count.ok_or_else(expected)?).map(|index| index.to_string()).collect()
            }
            ("device", list) => list.split(',').map(str::to_owned).collect(),
            ("driver", "nvidia") => continue,
            ("driver", _) => {
                return Err("expected the driver nvidia; name other devices with --device VENDOR/CLASS=NAME".to_owned());
            }
            ("capabilities", _) => {
                return Err(
                    "CDI has no capabilities; set a variable of the driver instead, for example \
                            --env NVIDIA_DRIVER_CAPABILITIES=utility"
                        .to_owned(),
                );
            }
            _ => return Err(expected()),
        };
        if names.replace(found).is_some() {
            return Err(expected());
        }
    }
    let names = names.ok_or_else(expected)?.into_iter().map(|name| format!("{GPU}={name}"));
    let checked: Result<Vec<_>, _> =
        names.map(|name| CdiName::parse(&name).map(|name| name.to_string())).collect();
    checked.map(Gpus).map_err(|_| expected())
}

/// Parses a device rule, for example `c 42:* rmw`.
fn rule(text: &str) -> Result<pb::DeviceRule, &'static str> {
    const EXPECTED: &str = "expected a, b or c, MAJOR:MINOR with * for any, and letters of rwm, for example 'c 42:* rmw'";
    let number = |text: &str| match text {
        "*" => Ok(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().map(Some).map_err(|_| EXPECTED)
        }
        _ => Err(EXPECTED),
    };
    let parts: Vec<&str> = text.split(' ').collect();
    let [kind, numbers, access] = parts[..] else { return Err(EXPECTED) };
    let kind = match kind {
        "a" => pb::DeviceType::All,
        "b" => pb::DeviceType::Block,
        "c" => pb::DeviceType::Char,
        _ => return Err(EXPECTED),
    };
    let (major, minor) = numbers.split_once(':').ok_or(EXPECTED)?;
    if !is_access(access) {
        return Err(EXPECTED);
    }
    Ok(pb::DeviceRule {
        allow: true,
        r#type: kind.into(),
        major: number(major)?,
        minor: number(minor)?,
        access: access.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{options, parse, refused};
    use super::*;

    #[test]
    fn a_device_has_a_place_and_an_access() {
        for (text, want) in [
            ("/dev/fuse", ["/dev/fuse", "", ""]),
            ("/dev/snd:rw", ["/dev/snd", "", "rw"]),
            ("/dev/sda:/dev/xvda", ["/dev/sda", "/dev/xvda", ""]),
            ("/dev/sda:/dev/xvda:mwr", ["/dev/sda", "/dev/xvda", "mwr"]),
        ] {
            let found = options(&format!("--device {text}")).devices.unwrap().host.remove(0);
            assert_eq!([found.path, found.container_path, found.permissions], want, "{text}");
        }
        for text in [
            "fuse",
            "/dev/a:b",
            "/dev/a:",
            "/dev/a::r",
            "/dev/a:rr",
            "/dev/a:/b:x",
            "/dev/a:/b:",
            "/dev/a:/b:r:w",
            "",
            ":",
            ":/dev/a",
        ] {
            assert!(device(text).unwrap_err().contains("/dev/sda:/dev/xvda:rw"), "{text}");
        }
        refused("--device fuse", "'--device <PATH[:PATH][:rwm]>'");
    }

    #[test]
    fn a_name_with_an_equals_sign_is_of_cdi() {
        let flags = "--device nvidia.com/gpu=0 --cdi-device vendor.com/net=a --device /dev/a=b";
        let found = options(flags);
        assert_eq!(found.cdi_devices, ["vendor.com/net=a", "nvidia.com/gpu=0"]);
        assert_eq!(found.devices.unwrap().host[0].path, "/dev/a=b");
        refused("--device gpu=0", "vendor.com/class=name");
    }

    #[test]
    fn gpus_are_devices_of_cdi() {
        for (text, want) in [
            ("all", vec!["all"]),
            ("2", vec!["0", "1"]),
            ("count=1", vec!["0"]),
            ("count=all,driver=nvidia", vec!["all"]),
            ("device=1", vec!["1"]),
            ("\"device=0,2\"", vec!["0", "2"]),
            ("device=GPU-3a23c669-1f69", vec!["GPU-3a23c669-1f69"]),
        ] {
            let want: Vec<String> =
                want.iter().map(|name| format!("nvidia.com/gpu={name}")).collect();
            assert_eq!(gpus(text), Ok(Gpus(want)), "{text}");
        }
        for (text, words) in [
            ("", "expected all"),
            ("0", "expected all"),
            ("-1", "expected all"),
            ("257", "from 1 to 256"),
            ("device=0,1", "'\"device=0,1\"'"),
            ("device=", "expected all"),
            ("all,2", "expected all"),
            ("driver=nvidia", "expected all"),
            ("driver=amd", "--device VENDOR/CLASS=NAME"),
            ("all,capabilities=utility", "--env NVIDIA_DRIVER_CAPABILITIES=utility"),
            ("all,x=y", "expected all"),
        ] {
            assert!(gpus(text).unwrap_err().contains(words), "{text}");
        }
        assert_eq!(options("--gpus 1").cdi_devices, ["nvidia.com/gpu=0"]);
    }

    #[test]
    fn rules_allow_by_numbers() {
        let flag = "--device-cgroup-rule";
        let found = parse(&[flag, "c 42:* rmw", flag, "a *:* r"]).unwrap();
        let want = pb::DeviceRule {
            allow: true,
            r#type: pb::DeviceType::Char.into(),
            major: Some(42),
            minor: None,
            access: "rmw".to_owned(),
        };
        assert_eq!(found.devices.unwrap().rules[0], want);
        for text in [
            "", "c", "c 1:2", "x 1:2 r", "c 1 r", "c 1:x r", "c 1:2 x", "c -1:2 r", "c  1:2 r",
            "c : r",
        ] {
            assert!(rule(text).is_err(), "{text}");
        }
    }
}
