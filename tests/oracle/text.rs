//! Strings of chance: the usual ones, and those that JSON, Go or a shell finds odd.

use proptest::prelude::*;

/// Any of some words.
pub(crate) fn of(words: &'static [&'static str]) -> BoxedStrategy<String> {
    proptest::sample::select(words).prop_map(str::to_owned).boxed()
}

/// A string as an argument, a label or a value may be.
pub(crate) fn any() -> BoxedStrategy<String> {
    prop_oneof![
        12 => of(&["sh", "-c", "/entrypoint.sh", "serve", "--port=8080", "$HOME", "a b", "x"]),
        2 => of(&["<a&b>", "\u{2028}\u{2029}", "naïve", "日本", "\u{1f600}", "tab\there", "line\nend"]),
        2 => of(&["\"quoted\"", "back\\slash", "\u{7f}", "\u{1}\u{8}\u{c}\u{1f}", "\u{feff}", "\u{fffd}"]),
        1 => of(&["", " ", "=", "'"]),
        2 => "[ -~]{0,12}",
        1 => "\\PC{0,6}",
    ]
    .boxed()
}

/// A string as a program's name may be.
pub(crate) fn program() -> BoxedStrategy<String> {
    prop_oneof![20 => of(&["sh", "/entrypoint.sh", "/bin/app", "./x", "a b"]), 1 => any()].boxed()
}

/// An identifier, as a namespace or a container's id is one.
pub(crate) fn identifier() -> BoxedStrategy<String> {
    prop_oneof![
        4 => of(&["default", "k8s.io", "web-1", "a", "0", "A.b_c-d", "moby"]),
        3 => "[A-Za-z0-9]{1,8}([._-][A-Za-z0-9]{1,6}){0,3}",
        1 => "[a-z0-9]{76}",
    ]
    .boxed()
}

/// A user's or a group's name.
pub(crate) fn name() -> BoxedStrategy<String> {
    prop_oneof![
        12 => of(&["root", "app", "www", "nginx", "bin"]),
        2 => of(&["ghost", "nobody", "1000", "7", "a.b", "user-1", "_apt", "app,www"]),
        1 => of(&["ünï", "a b", " root", "root ", "#hash", "+", "-", "0x10", "1_000", "1e3", "٣", "x\u{a0}"]),
        1 => of(&["99999999999999999999", "4294967296", "-1", "+5", "007", "--1", ""]),
    ]
    .boxed()
}

/// A number as it stands in a USER or an account file, or what should be one.
pub(crate) fn number() -> BoxedStrategy<String> {
    prop_oneof![
        12 => of(&["0", "1", "7", "33", "101", "1000", "65534"]),
        2 => of(&["007", "+5", "2147483647", "00", "-0", "+0", "0000000000000000000000001000"]),
        1 => of(&[
            "2147483648", "4294967295", "4294967296", "4294968296", "-1", "-2147483648", "9223372036854775807",
            "9223372036854775808", "18446744073709551616", "99999999999999999999", "-99999999999999999999",
        ]),
        1 => of(&["", "abc", "0x10", "1_000", "1e3", " 7", "7 ", "٣", "--1", "+", "1.0", "7\t"]),
    ]
    .boxed()
}
