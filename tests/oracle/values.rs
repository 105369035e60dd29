//! What the options that decide on the process are given.

use crate::text;
use proptest::collection::vec;
use proptest::prelude::*;

/// A command or an entrypoint.
pub(crate) fn arguments() -> BoxedStrategy<Vec<String>> {
    let full = (text::program(), vec(text::any(), 0..4))
        .prop_map(|(program, rest)| [vec![program], rest].concat());
    prop_oneof![12 => full, 1 => Just(Vec::new())].boxed()
}

/// A USER: one or two halves, now and then three.
pub(crate) fn user() -> BoxedStrategy<String> {
    let half = || prop_oneof![text::name(), text::number()];
    let plain = || text::of(&["root", "app", "www", "0", "7", "1000"]);
    prop_oneof![
        60 => plain(),
        60 => (plain(), plain()).prop_map(|(user, group)| format!("{user}:{group}")),
        10 => half(),
        10 => (half(), half()).prop_map(|(user, group)| format!("{user}:{group}")),
        1 => (half(), half(), half()).prop_map(|(a, b, c)| format!("{a}:{b}:{c}")),
    ]
    .boxed()
}

/// A working directory.
pub(crate) fn cwd() -> BoxedStrategy<String> {
    prop_oneof![
        60 => text::of(&["/", "/srv", "/home/app", "/a b", "//x//", "/a/../b", "/<&>", "/naïve", "/proc/1"]),
        1 => text::of(&["srv", ".", "../x", " /x", "C:\\x", "~"]),
        1 => text::of(&["/proc/self/fd/8", "/proc/../proc/1/fd", "/proc/1/task/1/fd/3/..", "/dev/fd/9"]),
        4 => text::any().prop_map(|path| format!("/{path}")),
    ]
    .boxed()
}

/// An entry of an environment.
pub(crate) fn env_entry() -> BoxedStrategy<String> {
    let key = || text::of(&["PATH", "LANG", "A", "B", "TERM", "path", "A B", "É"]);
    prop_oneof![
        16 => (key(), text::any()).prop_map(|(key, value)| format!("{key}={value}")),
        2 => key(),
        1 => text::of(&["", "=", "=x", "==", " ", "A==", "\0=x"]),
    ]
    .boxed()
}

/// A change of an environment, which must have a key.
pub(crate) fn env_change() -> BoxedStrategy<String> {
    let odd = text::of(&["", "=", "=x"]);
    let keyed =
        env_entry().prop_filter("a key", |entry| !entry.is_empty() && !entry.starts_with('='));
    prop_oneof![60 => keyed, 1 => odd].boxed()
}
