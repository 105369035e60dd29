//! Random input for parsers and for the whole service: good input, changed in a few places.
//!
//! `PROPTEST_CASES=100000` asks for that many cases of each property. A failure is kept in a directory `proptest-regressions` beside
//! the tests: commit it, it is tried first from then on.

#![allow(dead_code, reason = "each program that includes this uses some of it")]

use proptest::prelude::*;
use proptest::sample::Index;

/// So many cases, or as many as `PROPTEST_CASES` says where that is more.
pub(crate) fn cases(usual: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig { cases: if asked { config.cases.max(usual) } else { usual }, ..config }
}

/// A change of some bytes.
#[derive(Debug, Clone)]
enum Edit {
    Flip(u8),
    Set(u8),
    Remove(Index),
    Repeat(Index, Index),
    Insert(&'static str),
    Cut,
}

/// Texts that mean something to one of the parsers.
const TOKENS: &[&str] = &[
    "null",
    "{}",
    "[]",
    "\"\"",
    "{",
    "[",
    "}",
    "]",
    ",",
    ":",
    "-1",
    "0",
    "1e999",
    "4294967296",
    "18446744073709551616",
    "99999999999999999999",
    "\u{0}",
    "\\u0000",
    "\\ud800",
    "é",
    "root",
    "app",
    "\n",
    "::",
    "/",
    "..",
    "/proc/self/fd/1",
    "@",
    "sha256:",
    "\"User\":\"0:4294967296\"",
    "\"config\":null",
    "\"Env\":[\"=\"]",
    "#",
    "+",
    " ",
    "\t",
    "\r\n",
];

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (0_u8..8).prop_map(Edit::Flip),
        2 => any::<u8>().prop_map(Edit::Set),
        2 => any::<Index>().prop_map(Edit::Remove),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(length, to)| Edit::Repeat(length, to)),
        5 => prop::sample::select(TOKENS).prop_map(Edit::Insert),
        1 => Just(Edit::Cut),
    ]
}

/// The longest piece that is removed or repeated.
const PIECE: usize = 64;

fn apply(bytes: &mut Vec<u8>, at: &Index, edit: &Edit) {
    let at = at.index(bytes.len() + 1);
    let piece = |length: &Index| at + length.index(PIECE.min(bytes.len() - at) + 1);
    match edit {
        Edit::Flip(bit) => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
        Edit::Set(value) => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *value;
            }
        }
        Edit::Remove(length) => {
            let end = piece(length);
            bytes.drain(at..end);
        }
        Edit::Repeat(length, to) => {
            let piece = bytes[at..piece(length)].to_vec();
            let to = to.index(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        Edit::Insert(token) => drop(bytes.splice(at..at, token.bytes())),
        Edit::Cut => bytes.truncate(at),
    }
}

/// One of these, as it is or changed in up to five places.
pub(crate) fn changed(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    assert!(!corpus.is_empty(), "there is nothing to change");
    let edits = prop::collection::vec((any::<Index>(), edit()), 0..6);
    (prop::sample::select(corpus), edits).prop_map(|(mut bytes, edits)| {
        for (at, edit) in &edits {
            apply(&mut bytes, at, edit);
        }
        bytes
    })
}

/// The same for what must be text: bytes that are not are replaced.
pub(crate) fn changed_text(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = String> {
    changed(corpus).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
