//! The flags that read options from files.

use crate::api::pb::specd as pb;
use crate::commands::{Failure, messages, text_of};
use crate::paths::clean;
use clap::Args;
use prost::Message;
use serde::de::IgnoredAny;

/// Files with options.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct OptionFileArgs {
    /// A file with options, a specd.v1.SpecOptions in protobuf's JSON; - is standard input
    #[arg(long, value_name = "FILE", env = "SPECD_OPTIONS")]
    options: Option<String>,
    /// A file with a JSON merge patch to the finished spec; - is standard input
    #[arg(long, value_name = "FILE", env = "SPECD_SPEC_MERGE_PATCH")]
    spec_merge_patch: Option<String>,
}

impl OptionFileArgs {
    /// The options of the files, overridden by those of the flags. A flag that may be repeated adds to the
    /// file's list; what both name is as the flags say. What a flag turns off is left out of the files' options.
    pub(super) fn overridden_by(
        self,
        flags: &pb::SpecOptions,
        turned_off: &TurnedOff,
    ) -> Result<pb::SpecOptions, Failure> {
        let Self { options: file, spec_merge_patch } = self;
        if file.as_deref() == Some("-") && spec_merge_patch.as_deref() == Some("-") {
            let text = "only one of --options and --spec-merge-patch can be standard input";
            return Err(Failure::usage(text));
        }
        let mut options = match file {
            Some(path) => {
                let text = read_or_input("options", &path)?;
                messages::parse("SpecOptions", &text).map_err(|error| {
                    Failure::usage(format_args!(
                        "--options: {path} is not a specd.v1.SpecOptions: {error}"
                    ))
                })?
            }
            None => pb::SpecOptions::default(),
        };
        leave_out_overridden(&mut options, flags);
        turned_off.leave_out(&mut options);
        options.merge(flags.encode_to_vec().as_slice()).map_err(Failure::run)?;
        if let Some(path) = spec_merge_patch {
            let text = read_or_input("spec-merge-patch", &path)?;
            options.spec_merge_patch = Some(json_object("spec-merge-patch", &path, text)?);
        }
        Ok(options)
    }
}

/// The flags that say `false`, where the option is absent then.
pub(super) struct TurnedOff {
    pub(super) init: bool,
    pub(super) privileged: bool,
    pub(super) writable_cgroupfs: bool,
}

impl TurnedOff {
    fn leave_out(&self, options: &mut pb::SpecOptions) {
        options.init.take_if(|_| self.init);
        if let Some(security) = options.security.as_mut().filter(|_| self.privileged) {
            security.set_privileged(pb::PrivilegedMode::Unspecified);
        }
        if let Some(mounts) = options.mounts.as_mut().filter(|_| self.writable_cgroupfs) {
            mounts.writable_cgroupfs = false;
        }
    }
}

/// Removes what a merge would leave beside what the flags say.
fn leave_out_overridden(file: &mut pb::SpecOptions, flags: &pb::SpecOptions) {
    if let (Some(old), Some(new)) = (&mut file.process, &flags.process) {
        old.command.take_if(|_| new.command.is_some() || new.entrypoint.is_some());
        old.entrypoint.take_if(|_| new.entrypoint.is_some());
        let key = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
        old.env.retain(|entry| !new.env.iter().any(|other| key(other) == key(entry)));
        old.rlimits.retain(|limit| !new.rlimits.iter().any(|other| other.r#type == limit.r#type));
    }
    if let (Some(old), Some(new)) = (&mut file.capabilities, &flags.capabilities) {
        if new.set.is_some() {
            *old = pb::CapabilityOptions::default();
        }
        let bare = |name: &str| name.to_ascii_uppercase().trim_start_matches("CAP_").to_owned();
        old.drop.retain(|name| !new.add.iter().any(|other| bare(other) == bare(name)));
    }
    if let (Some(old), Some(new)) = (&mut file.mounts, &flags.mounts) {
        let destinations: Vec<String> = (new.add.iter().map(|mount| &mount.destination))
            .chain(new.tmpfs.iter().map(|mount| &mount.destination))
            .map(|path| clean(path))
            .collect();
        old.add.retain(|mount| !destinations.contains(&clean(&mount.destination)));
        old.tmpfs.retain(|mount| !destinations.contains(&clean(&mount.destination)));
    }
    if let (Some(old), Some(new)) = (&mut file.security, &flags.security) {
        old.masked_paths.take_if(|_| new.masked_paths.is_some());
        old.readonly_paths.take_if(|_| new.readonly_paths.is_some());
    }
    file.cdi_devices.retain(|name| !flags.cdi_devices.contains(name));
}

/// Reads a file of options, or standard input.
fn read_or_input(flag: &str, path: &str) -> Result<String, Failure> {
    if path != "-" {
        return read(flag, path);
    }
    let read = std::io::read_to_string(std::io::stdin());
    text_of(&format!("--{flag}: "), "standard input", read)
}

/// Reads the file that a flag names.
pub(super) fn read(flag: &str, path: &str) -> Result<String, Failure> {
    text_of(&format!("--{flag}: "), path, std::fs::read_to_string(path))
}

/// The text of a file, which must be an object of JSON. The service does not know the file, and could not name it.
pub(super) fn json_object(flag: &str, path: &str, text: String) -> Result<String, Failure> {
    match serde_json::from_str::<IgnoredAny>(&text) {
        Ok(_) if text.trim_start().starts_with('{') => Ok(text),
        Ok(_) => Err(Failure::usage(format_args!("--{flag}: {path} must be an object"))),
        Err(error) => Err(Failure::usage(format_args!("--{flag}: {path} is not JSON: {error}"))),
    }
}
