//! Account files of chance: most as distributions ship them, some broken in every way.

use crate::text;
use proptest::prelude::*;

/// What distributions have in `/etc/passwd`.
const USERS: &[&str] = &[
    "root:x:0:0:root:/root:/bin/sh",
    "app:x:1000:1000::/home/app:/bin/sh",
    "www:x:33:33:www:/var/www:/usr/sbin/nologin",
    "bin:x:1:1:bin:/bin:/usr/sbin/nologin",
];

/// What distributions have in `/etc/group`.
const GROUPS: &[&str] = &[
    "root:x:0:root",
    "app:x:1000:",
    "www:x:33:app,nginx",
    "bin:x:1:root,bin,app",
    "wheel:x:10:root",
];

/// `/etc/passwd`, or none.
pub(crate) fn passwd() -> BoxedStrategy<Option<Vec<u8>>> {
    let user = (text::name(), text::number(), text::number())
        .prop_map(|(name, uid, gid)| format!("{name}:x:{uid}:{gid}:,:/home/{name}:/bin/sh"));
    // Just below and just above what one line may have.
    let long = (65_520..65_550_usize).prop_map(|length| padded("app:x:1000:1000:", length));
    file(USERS, user.boxed(), long.boxed())
}

/// `/etc/group`, or none.
pub(crate) fn group() -> BoxedStrategy<Option<Vec<u8>>> {
    let members = prop::collection::vec(text::name(), 0..4).prop_map(|names| names.join(","));
    let group = (text::name(), text::number(), members)
        .prop_map(|(name, gid, members)| format!("{name}:x:{gid}:{members}"));
    let length = prop_oneof![9 => 65_520..65_550_usize, 1 => 1_048_560..1_048_590_usize];
    let long = length.prop_map(|length| padded("www:x:33:app,", length));
    file(GROUPS, group.boxed(), long.boxed())
}

/// A line of a length.
fn padded(start: &str, length: usize) -> String {
    format!("{start}{}", "x".repeat(length - start.len()))
}

fn file(
    usual: &'static [&'static str],
    entry: BoxedStrategy<String>,
    long: BoxedStrategy<String>,
) -> BoxedStrategy<Option<Vec<u8>>> {
    // A line with a field too few or too many, or with white space or colons where none belong.
    let bent = (entry.clone(), 0..6_usize, text::of(&[":", ": ", "::", "\t:", ":#"])).prop_map(
        |(line, fields, joint)| line.split(':').take(fields).collect::<Vec<_>>().join(&joint),
    );
    let padded = (
        text::of(&["", " ", "\t", "\u{b}", "\u{c}", "\u{a0}", "\u{85}", "\u{3000}"]),
        entry.clone(),
    )
        .prop_map(|(space, line)| format!("{space}{line}{space}"));
    let line = prop_oneof![
        10 => entry,
        60 => text::of(usual),
        4 => bent,
        4 => padded,
        4 => text::of(&["", " ", "# a comment", "#root:x:0:0:root", "+", "+::::::", "::::", ":", "broken", "\u{feff}"]),
        1 => text::any(),
    ]
    .prop_map(String::into_bytes);
    // Bytes that are no text, before or behind.
    let raw = (line.clone(), any::<bool>(), prop::collection::vec(128..=255_u8, 1..3)).prop_map(
        |(line, before, junk)| if before { [junk, line].concat() } else { [line, junk].concat() },
    );
    let line = prop_oneof![400 => line, 6 => raw, 1 => long.prop_map(String::into_bytes)];
    let lines = prop::collection::vec(line, 0..14);
    let ends = text::of(&["\n", "\n", "\n", "\n", "\r\n", "\r"]);
    let whole = (lines, ends, any::<bool>(), any::<bool>()).prop_map(
        move |(mut lines, end, ends_last, has_usual)| {
            if has_usual {
                lines.extend(usual.iter().map(|line| line.as_bytes().to_vec()));
            }
            let mut bytes = lines.join(end.as_bytes());
            if ends_last {
                bytes.extend(end.as_bytes());
            }
            Some(bytes)
        },
    );
    prop_oneof![20 => whole, 1 => Just(None)].boxed()
}
