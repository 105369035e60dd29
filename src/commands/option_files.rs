//! Options out of files, under those of the flags.

use crate::api::pb::specd as pb;
use crate::cli::option_files::OptionFileArgs;
use crate::commands::{Failure, proto_json};
use prost::Message;
use std::io::Read;

/// The options of the files with those of the flags over them. A flag that may be given several times adds
/// to what the file has; a command, an entrypoint and a variable replace the file's.
pub(super) fn under(
    files: &OptionFileArgs,
    flags: &pb::SpecOptions,
) -> Result<pb::SpecOptions, Failure> {
    if files.options.as_deref() == Some("-") && files.spec_merge_patch.as_deref() == Some("-") {
        let text = "the standard input is read once: --options or --spec-merge-patch";
        return Err(Failure::usage(text));
    }
    let mut options = match &files.options {
        Some(path) => proto_json::parse("SpecOptions", &read(path)?)
            .map_err(|error| Failure::usage(format_args!("{path} holds no options: {error}")))?,
        None => pb::SpecOptions::default(),
    };
    if let (Some(old), Some(new)) = (&mut options.process, &flags.process) {
        old.command.take_if(|_| new.command.is_some() || new.entrypoint.is_some());
        old.entrypoint.take_if(|_| new.entrypoint.is_some());
        let key = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
        old.env.retain(|entry| !new.env.iter().any(|other| key(other) == key(entry)));
    }
    options.merge(flags.encode_to_vec().as_slice()).map_err(Failure::run)?;
    if let Some(path) = &files.spec_merge_patch {
        options.spec_merge_patch = Some(read(path)?);
    }
    Ok(options)
}

fn read(path: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match path {
        "-" => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        path => std::fs::read_to_string(path).map(|read| text = read),
    };
    read.map_err(|error| Failure::usage(format!("{path} cannot be read: {error}")))?;
    Ok(text)
}
