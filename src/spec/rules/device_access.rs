//! Which devices the rules of control groups allow, as runc works it out. It appends rules of its own, and refuses a list
//! that version 1 of control groups cannot express.

use super::Findings;
use super::devices::{NULL, makes_nodes};
use crate::oci::{DeviceRule, Linux, Spec, place};
use std::collections::BTreeMap;

const READ: u8 = 1;
const WRITE: u8 = 2;
const MAKE: u8 = 4;
const ALL: u8 = READ | WRITE | MAKE;

/// All numbers.
const ANY: i64 = -1;

/// The rules that runc appends, with the path of the device where a node of the spec takes the place of one.
/// runc: `specconv.AllowedDevices`.
const APPENDED: [(&str, Devices, u8); 11] = [
    ("", ('c', ANY, ANY), MAKE),
    ("", ('b', ANY, ANY), MAKE),
    (NULL, ('c', 1, 3), ALL),
    ("/dev/random", ('c', 1, 8), ALL),
    ("/dev/full", ('c', 1, 7), ALL),
    ("/dev/tty", ('c', 5, 0), ALL),
    ("/dev/zero", ('c', 1, 5), ALL),
    ("/dev/urandom", ('c', 1, 9), ALL),
    ("", ('c', 136, ANY), ALL),
    ("", ('c', 5, 2), ALL),
    ("", ('c', 10, 200), ALL),
];

/// The type of some devices, their major and their minor number.
type Devices = (char, i64, i64);

/// What is allowed. runc: `devices.emulator`.
#[derive(Default)]
struct Access {
    /// Whether everything is allowed but the exceptions, or nothing.
    all: bool,
    exceptions: BTreeMap<Devices, u8>,
}

impl Access {
    /// Applies a rule, unless it takes a part of an exception for more devices.
    fn apply(&mut self, allow: bool, devices: Devices, access: u8) -> Result<(), ()> {
        if devices.0 == 'a' {
            *self = Self { all: allow, exceptions: BTreeMap::new() };
            return Ok(());
        }
        if allow != self.all {
            *self.exceptions.entry(devices).or_default() |= access;
            return Ok(());
        }
        let (kind, major, minor) = devices;
        for wider in [(kind, ANY, minor), (kind, major, ANY), (kind, ANY, ANY)] {
            if wider != devices && self.exceptions.get(&wider).is_some_and(|it| it & access != 0) {
                return Err(());
            }
        }
        if let Some(left) = self.exceptions.get_mut(&devices) {
            *left &= !access;
        }
        Ok(())
    }

    /// Whether a device may be read and written.
    fn opens(&self, (kind, major, minor): Devices) -> bool {
        let all = [(major, minor), (ANY, minor), (major, ANY), (ANY, ANY)];
        let exceptions = all.map(|(major, minor)| self.exceptions.get(&(kind, major, minor)));
        let access = exceptions.into_iter().flatten().fold(0, |all, one| all | one);
        if self.all {
            access & (READ | WRITE) == 0
        } else {
            access & READ != 0 && access & WRITE != 0
        }
    }
}

fn devices(rule: &DeviceRule) -> Devices {
    let kind = rule.kind.chars().next().unwrap_or('a');
    (kind, rule.major.unwrap_or(ANY), rule.minor.unwrap_or(ANY))
}

fn access(rule: &DeviceRule) -> u8 {
    let bit = |letter| match letter {
        'r' => READ,
        'w' => WRITE,
        'm' => MAKE,
        _ => 0,
    };
    rule.access.chars().map(bit).fold(0, |all, one| all | one)
}

fn rules(linux: &Linux) -> &[DeviceRule] {
    linux.resources.as_ref().map_or(&[], |resources| &resources.devices)
}

/// What all rules allow, with those that runc appends; or the position of a rule that cannot be applied.
fn whole(linux: &Linux) -> Result<Access, usize> {
    let (mut whole, rules) = (Access::default(), rules(linux));
    for (index, rule) in rules.iter().enumerate() {
        whole.apply(rule.allow, devices(rule), access(rule)).map_err(|()| index)?;
    }
    for (path, devices, access) in APPENDED {
        let is_listed = !path.is_empty() && linux.devices.iter().any(|node| node.path == path);
        // It is an earlier one of the spec with which it does not go.
        let last = || rules.len().saturating_sub(1);
        if !is_listed {
            whole.apply(true, devices, access).map_err(|()| last())?;
        }
    }
    Ok(whole)
}

/// No rule takes a part of an earlier rule for more devices.
pub(super) fn parts(spec: &Spec, findings: &mut Findings) {
    let Some(linux) = &spec.linux else { return };
    // Nothing is taken where no rule denies one kind of device.
    let denies = |rule: &DeviceRule| !rule.allow && devices(rule).0 != 'a';
    if !rules(linux).iter().any(denies) {
        return;
    }
    if let Err(index) = whole(linux) {
        let text = "takes a part of a rule for more devices, or a later rule of runc takes a part of it, \
                    which control groups cannot do: list the devices one by one";
        findings.add(place!["linux", "resources", "devices", index], text);
    }
}

/// A node at `/dev/null` may be opened: runc does so, and appends no rule for a device that the spec lists.
pub(super) fn null(spec: &Spec, findings: &mut Findings) {
    let Some(linux) = &spec.linux else { return };
    let is_null = |kind: &str| matches!(kind, "c" | "u" | "b");
    let node = linux.devices.iter().position(|node| node.path == NULL && is_null(&node.kind));
    let Some(index) = node.filter(|_| makes_nodes(spec)) else { return };
    let node = &linux.devices[index];
    let kind = if node.kind == "b" { 'b' } else { 'c' };
    if whole(linux).is_ok_and(|access| !access.opens((kind, node.major, node.minor))) {
        let text = "needs a rule in linux.resources.devices that allows to read and write it: runc opens it";
        findings.add_contradiction(
            place!["linux", "devices", index],
            place!["linux", "resources", "devices"],
            text,
        );
    }
}
