//! Mounts that a later mount hides.

use super::mounts::destination;
use super::{Findings, repeated};
use crate::oci::{Spec, place};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// No mount is hidden by a later one.
pub(super) fn once(spec: &Spec, findings: &mut Findings) {
    // From the last to the first, so that each but the last at a destination repeats it.
    let repeated = repeated::positions(spec.mounts.iter().rev().map(destination));
    for from_the_last in repeated.into_iter().rev() {
        let index = spec.mounts.len() - 1 - from_the_last;
        let text = "is mounted twice, and only the last mount is visible";
        findings.add(place!["mounts", index, "destination"], text);
    }
}

/// No mount is hidden by a later one on a directory above it.
pub(super) fn hidden(spec: &Spec, findings: &mut Findings) {
    let paths: Vec<Cow<'_, str>> = spec.mounts.iter().map(destination).collect();
    // From the last to the first, with the later mounts and their positions.
    let mut later: BTreeMap<&str, usize> = BTreeMap::new();
    let mut hidden = Vec::new();
    for (index, path) in paths.iter().enumerate().rev() {
        let above = path.match_indices('/').skip(1).map(|(at, _)| &path[..at]);
        if let Some(by) = above.filter_map(|above| later.get(above)).max() {
            hidden.push((index, *by));
        }
        later.entry(&**path).or_insert(index);
    }
    for (index, by) in hidden.into_iter().rev() {
        let text = format_args!("is hidden by the mount on {}, which comes later", paths[by]);
        let place = |index| place!["mounts", index, "destination"];
        findings.add_contradiction(place(index), place(by), text);
    }
}
