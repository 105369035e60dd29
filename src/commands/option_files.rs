//! The flags that read options from files.

use crate::api::pb::specd as pb;
use crate::commands::{Failure, messages};
use clap::Args;
use prost::Message;

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
    /// file's list; a command, an entrypoint and a variable replace the file's.
    pub(super) fn overridden_by(self, flags: &pb::SpecOptions) -> Result<pb::SpecOptions, Failure> {
        let Self { options: file, spec_merge_patch } = self;
        if file.as_deref() == Some("-") && spec_merge_patch.as_deref() == Some("-") {
            let text = "only one of --options and --spec-merge-patch can be standard input";
            return Err(Failure::usage(text));
        }
        let mut options = match file {
            Some(path) => {
                let text = read("options", &path)?;
                messages::parse("SpecOptions", &text).map_err(|error| {
                    Failure::usage(format_args!(
                        "--options: {path} is not a specd.v1.SpecOptions: {error}"
                    ))
                })?
            }
            None => pb::SpecOptions::default(),
        };
        if let (Some(old), Some(new)) = (&mut options.process, &flags.process) {
            old.command.take_if(|_| new.command.is_some() || new.entrypoint.is_some());
            old.entrypoint.take_if(|_| new.entrypoint.is_some());
            let key = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
            old.env.retain(|entry| !new.env.iter().any(|other| key(other) == key(entry)));
        }
        options.merge(flags.encode_to_vec().as_slice()).map_err(Failure::run)?;
        if let Some(path) = spec_merge_patch {
            options.spec_merge_patch = Some(read("spec-merge-patch", &path)?);
        }
        Ok(options)
    }
}

fn read(flag: &str, path: &str) -> Result<String, Failure> {
    let read = match path {
        "-" => std::io::read_to_string(std::io::stdin()),
        path => std::fs::read_to_string(path),
    };
    read.map_err(|error| Failure::usage(format_args!("--{flag}: cannot read {path}: {error}")))
}
