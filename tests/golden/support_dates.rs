//! The days on which the support of releases ends, against containerd's own table.

use crate::options_table::sources;
use crate::support::say::say;
use specd::spec::Profiles;
use std::collections::BTreeMap;

const MONTHS: [(&str, u8); 12] = [
    ("January", 31),
    ("February", 28),
    ("March", 31),
    ("April", 30),
    ("May", 31),
    ("June", 30),
    ("July", 31),
    ("August", 31),
    ("September", 30),
    ("October", 31),
    ("November", 30),
    ("December", 31),
];

/// The day that `August 23, 2025`, `March, 2027**` or `September 2026*` is; a month without a day counts to its end.
fn day(text: &str) -> String {
    let words: Vec<&str> = text.split([' ', ',', '*']).filter(|word| !word.is_empty()).collect();
    let month = MONTHS.iter().position(|(name, _)| *name == words[0]).unwrap();
    let (day, year) = match words[1..] {
        [day, year] => (day.parse().unwrap(), year),
        [year] => (MONTHS[month].1, year),
        _ => panic!("{text:?} is no day"),
    };
    format!("{year}-{:02}-{day:02}", month + 1)
}

#[test]
fn support_ends_when_containerd_says_so() {
    let table = match sources() {
        Ok(module) => std::fs::read_to_string(module.join("RELEASES.md")).unwrap(),
        Err(reason) => {
            say(&format!("SKIPPED: the support of containerd's releases: {reason}"));
            return;
        }
    };
    let rows = table.lines().filter_map(|line| line.strip_prefix("| [")?.split_once(']'));
    let ends: BTreeMap<&str, &str> = rows
        .filter_map(|(release, rest)| Some((release, rest.split('|').nth(3)?.trim())))
        .collect();
    let profiles = Profiles::built_in("function").unwrap();
    let mut compared = 0;
    for (profile, _) in profiles.iter() {
        let Some(release) = profile.name.strip_prefix("containerd-") else { continue };
        assert_eq!(profile.supported_until, day(ends[release]), "{release}");
        compared += 1;
    }
    assert_eq!(compared, 7);
}
