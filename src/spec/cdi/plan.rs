//! From files and names to the edits that are to be made. CDI: `Cache.refresh`, `Cache.InjectDevices`.
//!
//! A file that cannot be used is of no consequence until a device is asked for that nobody else has.

use super::model::{CdiSpec, Edits};
use super::{read::read, validate::validate};
use crate::domain::cdi_files::{CdiFile, CdiFiles};
use crate::domain::cdi_name::CdiName;
use crate::domain::host_device::{Look, Lookup};
use crate::domain::violation::Violations;
use std::collections::{BTreeMap, BTreeSet};

/// How many devices a refusal lists.
const LISTED: usize = 8;

/// The edits of the devices that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The edits, each with the place of the device that brings it.
    pub(super) edits: Vec<(usize, Edits)>,
    /// What is wrong with the names.
    pub(super) wrong: Violations,
}

impl Plan {
    /// What has to be known of the host: the file of each device node, in the order of application.
    pub fn lookups(&self) -> Vec<Lookup> {
        let nodes = self.edits.iter().flat_map(|(_, edits)| &edits.device_nodes);
        nodes
            .map(|node| {
                let other = !node.host_path.is_empty();
                Lookup::new(if other { &node.host_path } else { &node.path }, Look::Node)
            })
            .collect()
    }
}

/// What the files say.
#[derive(Default)]
struct Registry<'a> {
    /// Specifications that hold, each with its file.
    specs: Vec<(&'a CdiFile, CdiSpec)>,
    /// For each device the place of its specification.
    devices: BTreeMap<CdiName, usize>,
    /// Devices that two files of one directory have.
    conflicts: BTreeMap<CdiName, (&'a str, &'a str)>,
    /// Files that cannot be used, each with the kind that it states, if that far it could be read.
    broken: Vec<(&'a str, Option<String>, String)>,
}

/// Finds the devices of a list of names.
#[must_use]
pub fn plan(files: &CdiFiles, names: &[CdiName]) -> Plan {
    let registry = Registry::of(files);
    let mut plan = Plan::default();
    let mut begun = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        let found = registry.devices.get(name).filter(|_| !registry.conflicts.contains_key(name));
        let spec = found.and_then(|place| Some((*place, &registry.specs.get(*place)?.1)));
        let device = spec.and_then(|(place, spec)| {
            let device = spec.devices.iter().find(|device| device.name == name.name)?;
            Some((place, spec, device))
        });
        let Some((place, spec, device)) = device else {
            plan.wrong.push(format!("options.cdi_devices[{index}]"), registry.missing(files, name));
            continue;
        };
        if begun.insert(place) {
            plan.edits.push((index, spec.container_edits.clone()));
        }
        plan.edits.push((index, device.container_edits.clone()));
    }
    plan
}

impl<'a> Registry<'a> {
    fn of(files: &'a CdiFiles) -> Self {
        let mut registry = Self::default();
        for file in &files.files {
            let spec = match &file.content {
                Ok(bytes) => read(&file.path, bytes),
                Err(reason) => Err(reason.clone()),
            };
            match spec {
                Ok(spec) => registry.add(file, spec),
                Err(reason) => registry.broken.push((&file.path, None, reason)),
            }
        }
        registry
    }

    fn add(&mut self, file: &'a CdiFile, spec: CdiSpec) {
        let (vendor, class) = match validate(&spec) {
            Ok(kind) => kind,
            Err(reason) => return self.broken.push((&file.path, Some(spec.kind), reason)),
        };
        let place = self.specs.len();
        for device in &spec.devices {
            let (vendor, class) = (vendor.to_owned(), class.to_owned());
            let name = CdiName { vendor, class, name: device.name.clone() };
            let earlier = self.devices.get(&name).and_then(|place| self.specs.get(*place));
            match earlier {
                Some((other, _)) if other.priority == file.priority => {
                    self.conflicts.insert(name, (&other.path, &file.path));
                }
                Some(_) | None => {
                    self.devices.insert(name, place);
                }
            }
        }
        self.specs.push((file, spec));
    }

    /// Why a device is not there, and which are.
    fn missing(&self, files: &CdiFiles, name: &CdiName) -> String {
        if let Some((one, other)) = self.conflicts.get(name) {
            return format!("{name} is in {one} and in {other}, one of them must go");
        }
        let mut text =
            format!("no CDI specification in {} has {name}", files.directories.join(", "));
        let kind = name.kind();
        let concerns =
            |stated: &Option<String>| stated.as_ref().is_none_or(|stated| *stated == kind);
        for (path, _, reason) in self.broken.iter().filter(|(_, stated, _)| concerns(stated)) {
            text += &format!("; {path} cannot be used: {reason}");
        }
        for (directory, reason) in &files.unreadable {
            text += &format!("; {directory} cannot be read: {reason}");
        }
        let others = self.devices.keys().filter(|other| other.vendor == name.vendor);
        let others: Vec<String> = others.map(ToString::to_string).collect();
        match others.len() {
            0 => text += &format!("; there is no device of {}", name.vendor),
            count => {
                let listed = others[..count.min(LISTED)].join(", ");
                text += &format!("; of {} there are {listed}", name.vendor);
                if count > LISTED {
                    text += &format!(" and {} more", count - LISTED);
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, priority: usize, device: &str, value: &str) -> CdiFile {
        let text = format!(
            r#"{{"cdiVersion": "0.6.0", "kind": "v.com/c", "containerEdits": {{"env": ["G={value}"]}},
            "devices": [{{"name": "{device}", "containerEdits": {{"env": ["D={value}"]}}}}]}}"#
        );
        CdiFile { path: path.to_owned(), priority, content: Ok(text.into_bytes()) }
    }

    fn planned(files: Vec<CdiFile>, names: &[&str]) -> Result<Vec<String>, String> {
        let directories = vec!["/etc/cdi".to_owned(), "/run/cdi".to_owned()];
        let files = CdiFiles { directories, files, unreadable: vec![] };
        let names: Vec<CdiName> = names.iter().map(|name| CdiName::parse(name).unwrap()).collect();
        let plan = plan(&files, &names);
        if !plan.wrong.is_empty() {
            return Err(plan.wrong.to_string());
        }
        Ok(plan.edits.into_iter().flat_map(|(_, edits)| edits.env).collect())
    }

    #[test]
    fn a_file_edits_once_and_later_directories_win() {
        let both = r#"{"cdiVersion": "0.6.0", "kind": "v.com/c", "containerEdits": {"env": ["G=1"]}, "devices": [
            {"name": "a", "containerEdits": {"env": ["A=1"]}}, {"name": "b", "containerEdits": {"env": ["B=1"]}}]}"#;
        let both = CdiFile {
            path: "/etc/cdi/a.json".to_owned(),
            priority: 0,
            content: Ok(both.as_bytes().to_vec()),
        };
        let files = vec![both, file("/run/cdi/b.json", 1, "b", "2")];
        assert_eq!(planned(files.clone(), &["v.com/c=a"]).unwrap(), ["G=1", "A=1"]);
        let all = planned(files[..1].to_vec(), &["v.com/c=b", "v.com/c=a"]).unwrap();
        assert_eq!(all, ["G=1", "B=1", "A=1"]);
        let all = planned(files, &["v.com/c=a", "v.com/c=b"]).unwrap();
        assert_eq!(all, ["G=1", "A=1", "G=2", "D=2"]);
    }

    #[test]
    fn a_missing_device_is_reported_with_what_there_is() {
        let one = file("/etc/cdi/a.json", 0, "a", "1");
        let broken = CdiFile { content: Ok(b"{".to_vec()), ..file("/etc/cdi/b.json", 0, "b", "1") };
        assert!(planned(vec![one.clone(), broken.clone()], &["v.com/c=a"]).is_ok());
        let error = planned(vec![one.clone(), broken], &["v.com/c=a", "v.com/c=b"]).unwrap_err();
        assert!(error.starts_with("options.cdi_devices[1]: no CDI specification in /etc/cdi, /run/cdi has v.com/c=b; /etc/cdi/b.json cannot be used: EOF"), "{error}");
        assert!(error.ends_with("; of v.com there are v.com/c=a"), "{error}");
        let error = planned(vec![one], &["w.com/c=b"]).unwrap_err();
        assert!(error.ends_with("; there is no device of w.com"), "{error}");
    }

    #[test]
    fn two_files_of_one_directory_must_agree_on_who_has_a_device() {
        let files =
            vec![file("/etc/cdi/a.json", 0, "a", "1"), file("/etc/cdi/b.json", 0, "a", "1")];
        let error = planned(files.clone(), &["v.com/c=a"]).unwrap_err();
        assert!(error.contains("is in /etc/cdi/a.json and in /etc/cdi/b.json"), "{error}");
        // So it is for containerd, even where a third one would win.
        let third = [files, vec![file("/run/cdi/c.json", 1, "a", "3")]].concat();
        assert!(planned(third, &["v.com/c=a"]).is_err());
    }
}
