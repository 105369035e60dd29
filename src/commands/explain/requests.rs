//! The requests that are explained: that of the flags, or the two of `--diff`.

use crate::api::pb::specd::GenerateRequest;
use crate::commands::options::OptionArgs;
use crate::commands::{Failure, messages, text_of};

/// The requests that are explained.
pub(super) enum Requests {
    /// The request of the flags.
    One(Box<GenerateRequest>),
    /// Two requests, each with a name for people.
    Two(Box<[(String, GenerateRequest); 2]>),
}

impl Requests {
    /// The request of the flags, or two that differ from it.
    pub(super) fn new(flags: GenerateRequest, diff: &[String]) -> Result<Self, Failure> {
        let side = |side: &String| request(side, &flags).map(|request| (name(side), request));
        match diff {
            [] => Ok(Self::One(Box::new(flags))),
            [a, b] => Ok(Self::Two(Box::new([side(a)?, side(b)?]))),
            _ => {
                let text = "--diff needs two profiles or files, for example --diff docker function";
                Err(Failure::usage(text))
            }
        }
    }
}

/// The name of a profile has no slash and no ending.
fn is_file(side: &str) -> bool {
    side.contains('/') || side.ends_with(".json")
}

fn name(side: &str) -> String {
    if is_file(side) { side.to_owned() } else { format!("profile {side}") }
}

fn request(side: &str, flags: &GenerateRequest) -> Result<GenerateRequest, Failure> {
    if !is_file(side) {
        return Ok(GenerateRequest { profile: side.to_owned(), ..flags.clone() });
    }
    let unchanged = OptionArgs::default().options(Vec::new())?;
    if flags.options.as_deref() != Some(&unchanged) {
        let text = "the file has the changes to the spec; --diff with files takes no other changes";
        return Err(Failure::usage(format_args!("{side}: {text}")));
    }
    let text = text_of("--diff: ", side, std::fs::read_to_string(side))?;
    let read: GenerateRequest = messages::parse("GenerateRequest", &text).map_err(|error| {
        Failure::usage(format_args!("{side} is not a specd.v1.GenerateRequest: {error}"))
    })?;
    let or = |given: String, flag: &String| if given.is_empty() { flag.clone() } else { given };
    Ok(GenerateRequest {
        image: or(read.image, &flags.image),
        namespace: or(read.namespace, &flags.namespace),
        id: or(read.id, &flags.id),
        profile: or(read.profile, &flags.profile),
        platform: read.platform.or_else(|| flags.platform.clone()),
        snapshotter: or(read.snapshotter, &flags.snapshotter),
        snapshot_key: or(read.snapshot_key, &flags.snapshot_key),
        encoding: flags.encoding,
        labels: if read.labels.is_empty() { flags.labels.clone() } else { read.labels },
        options: read.options,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_distinguished_from_profiles() {
        for (side, file) in
            [("docker", false), ("containerd-2.4", false), ("a.json", true), ("./a", true)]
        {
            assert_eq!(is_file(side), file, "{side}");
        }
    }
}
