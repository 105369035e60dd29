//! Which requests are explained: that of the flags, or the two of `--diff`.

use crate::api::pb::specd::{GenerateRequest, SpecOptions};
use crate::cli::{AskArgs, OptionArgs};
use crate::commands::{Failure, ask, proto_json};

/// What is to be explained.
pub(super) enum Asked {
    /// The request of the flags.
    One(Box<GenerateRequest>),
    /// Two, each with what a person calls it.
    Two(Box<[(String, GenerateRequest); 2]>),
}

/// The requests that the flags stand for.
pub(super) fn of(args: &AskArgs, diff: &[String]) -> Result<Asked, Failure> {
    let own = ask::request(args)?;
    let side = |side: &String| Ok((name(side), request(side, &own)?));
    match diff {
        [] => Ok(Asked::One(Box::new(own))),
        [a, b] => Ok(Asked::Two(Box::new([side(a)?, side(b)?]))),
        _ => {
            let text = "--diff needs two profiles or files, as --diff docker function";
            Err(Failure::usage(text))
        }
    }
}

/// A profile's name has neither a slash nor an ending.
fn is_file(side: &str) -> bool {
    side.contains('/') || side.ends_with(".json")
}

fn name(side: &str) -> String {
    if is_file(side) { side.to_owned() } else { format!("profile {side}") }
}

fn request(side: &str, own: &GenerateRequest) -> Result<GenerateRequest, Failure> {
    if !is_file(side) {
        return Ok(GenerateRequest { profile: side.to_owned(), ..own.clone() });
    }
    if own.options.as_ref() != Some(&unchanged()) {
        let text = "its request says what to change; --diff with files takes no other changes";
        return Err(Failure::usage(format_args!("{side}: {text}")));
    }
    let text = std::fs::read_to_string(side)
        .map_err(|error| Failure::run(format_args!("cannot read {side}: {error}")))?;
    let read: GenerateRequest = proto_json::parse("GenerateRequest", &text).map_err(|error| {
        Failure::usage(format_args!("{side} is no specd.v1.GenerateRequest: {error}"))
    })?;
    let or = |given: String, own: &String| if given.is_empty() { own.clone() } else { given };
    Ok(GenerateRequest {
        image: or(read.image, &own.image),
        namespace: or(read.namespace, &own.namespace),
        id: or(read.id, &own.id),
        profile: or(read.profile, &own.profile),
        platform: read.platform.or_else(|| own.platform.clone()),
        snapshotter: or(read.snapshotter, &own.snapshotter),
        snapshot_key: or(read.snapshot_key, &own.snapshot_key),
        options: read.options,
    })
}

/// What the flags ask for where none is given.
fn unchanged() -> SpecOptions {
    ask::options(&OptionArgs::default(), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_profiles_are_told_apart() {
        for (side, file) in
            [("docker", false), ("containerd-2.4", false), ("a.json", true), ("./a", true)]
        {
            assert_eq!(is_file(side), file, "{side}");
        }
    }
}
