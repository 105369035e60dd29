//! Image configurations of chance: JSON as builders write it, and as they should not.

use crate::text;
use crate::values;
use proptest::collection::vec;
use proptest::prelude::*;
use std::ops::Range;

/// A JSON value, as text.
type Json = Vec<u8>;

/// What a configuration may hold beside the usual.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taste {
    /// Odd, and still what Go's client reads.
    Sound,
    /// Anything: wrong types, and what is no JSON at all.
    Broken,
}

/// The bytes of a configuration: most can be read, and the rest is broken somewhere.
pub(crate) fn any_config() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![7 => image(Taste::Sound), 1 => broken()].boxed()
}

fn broken() -> BoxedStrategy<Vec<u8>> {
    let ends = prop_oneof![
        60 => Just((&b""[..], &b""[..])),
        4 => Just((&b""[..], &b"\n"[..])),
        1 => Just((&b" \r\n\t"[..], &b"\r\n "[..])),
        1 => Just((&b""[..], &b"x"[..])),
        1 => Just((&b"\xef\xbb\xbf"[..], &b""[..])),
    ];
    let cut = prop_oneof![60 => Just(0_usize), 1 => 1..40_usize];
    (ends, image(Taste::Broken), cut)
        .prop_map(|((before, after), text, cut)| {
            let kept = text.len().saturating_sub(cut);
            [before, &text[..kept], after].concat()
        })
        .boxed()
}

/// The outer object.
fn image(taste: Taste) -> BoxedStrategy<Json> {
    let odd = || taste.or_null(odd());
    let string = |texts| string(taste, texts);
    let object = |fields| object(taste, fields);
    let free = object_value(taste);
    let architecture = prop_oneof![
        40 => literal(r#""amd64""#),
        1 => string(text::of(&["", "x86_64", "AMD64", "386", "arm64", "unknown"])),
        1 => odd(),
    ];
    let os = prop_oneof![
        60 => literal(r#""linux""#),
        1 => string(text::of(&["", "Linux", "windows", "unknown"])),
        1 => odd(),
    ];
    let config = prop_oneof![
        90 => container(taste),
        1 => literal("null"),
        1 => literal("{}"),
        1 => odd(),
    ];
    let rootfs = prop_oneof![
        30 => literal(r#"{"type":"layers","diff_ids":[]}"#),
        2 => literal("{}"),
        1 => literal("null"),
        1 => taste.or_null(literal(r#"{"type":7}"#)),
        1 => literal(r#"{"diff_ids":null,"type":null}"#),
    ];
    let created = prop_oneof![
        6 => literal(r#""2024-02-29T12:00:00.123456789Z""#),
        2 => literal(r#""0001-01-01T00:00:00Z""#),
        1 => literal(r#""2024-01-01T00:00:00+14:00""#),
        1 => taste.or_null(string(text::of(&[
            "", "2023-02-29T00:00:00Z", "2024-01-01", "2024-01-01T24:00:00Z", "2024-01-01t00:00:00z",
        ]))),
        1 => odd(),
    ];
    let step = object(vec![
        ("created", 30, literal(r#""2024-01-01T00:00:00Z""#)),
        ("created_by", 70, string(text::any())),
        ("comment", 20, string(text::any())),
        ("empty_layer", 30, prop_oneof![20 => literal("true"), 1 => odd()].boxed()),
    ]);
    let history = prop_oneof![20 => list(step), 1 => odd()];
    object(vec![
        ("architecture", 97, architecture.boxed()),
        ("os", 97, os.boxed()),
        ("config", 98, config.boxed()),
        ("rootfs", 90, rootfs.boxed()),
        ("created", 25, created.boxed()),
        ("author", 10, prop_oneof![20 => string(text::any()), 1 => odd()].boxed()),
        ("history", 15, history.boxed()),
        ("variant", 4, string(text::of(&["", "v1", "v2", "V3"]))),
        ("os.version", 3, string(text::any())),
        ("os.features", 3, strings(taste, text::any(), 0..3)),
        ("moby.buildkit.buildinfo.v1", 5, free.clone()),
        ("container_config", 5, container(taste)),
    ])
}

/// The `config` object.
fn container(taste: Taste) -> BoxedStrategy<Json> {
    let odd = || taste.or_null(odd());
    let string = |texts| string(taste, texts);
    let strings = |texts, count| strings(taste, texts, count);
    let free = object_value(taste);
    let one =
        |strategy: BoxedStrategy<String>| prop_oneof![40 => string(strategy), 1 => odd()].boxed();
    let many = |first: BoxedStrategy<String>, rest: BoxedStrategy<String>| {
        let list_of = |first, rest| (first, rest).prop_map(|(a, b): (Json, Json)| splice(&a, &b));
        let full = list_of(strings(first, 1..2), strings(rest, 0..4));
        prop_oneof![
            60 => full,
            1 => literal("[]"),
            1 => literal("null"),
            1 => list(odd()),
            1 => odd(),
        ]
        .boxed()
    };
    let command = || many(text::program(), text::any());
    let keys = |strategy: BoxedStrategy<String>| {
        let value = prop_oneof![20 => literal("{}"), 1 => odd()];
        let entries = vec((string(strategy), value), 0..3).prop_map(joined);
        prop_oneof![20 => entries, 1 => odd()].boxed()
    };
    let label = prop_oneof![30 => string(text::any()), 1 => odd()];
    let labels = vec((string(text::any()), label), 0..4).prop_map(joined);
    object(
        taste,
        vec![
            ("User", 65, prop_oneof![9 => one(values::user()), 1 => literal(r#""""#)].boxed()),
            ("Env", 85, many(values::env_entry(), values::env_entry())),
            ("Entrypoint", 60, command()),
            ("Cmd", 97, command()),
            ("WorkingDir", 60, one(values::cwd())),
            ("Labels", 20, prop_oneof![20 => labels, 1 => odd()].boxed()),
            ("ExposedPorts", 15, keys(text::of(&["80/tcp", "53/udp", "8080", ""]))),
            ("Volumes", 15, keys(text::of(&["/data", "/var/lib/x", ""]))),
            ("StopSignal", 10, one(text::of(&["SIGTERM", "9", ""]))),
            ("ArgsEscaped", 5, prop_oneof![5 => literal("true"), 1 => odd()].boxed()),
            ("Hostname", 15, free.clone()),
            ("OnBuild", 10, literal("null")),
            ("Memory", 5, free),
        ],
    )
}

/// An object: each key with its chance in a hundred, now and then in another case, or a second time.
fn object(
    taste: Taste,
    fields: Vec<(&'static str, u32, BoxedStrategy<Json>)>,
) -> BoxedStrategy<Json> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, percent, value)| {
            let key = prop_oneof![
                40 => Just(name.to_owned()),
                1 => Just(name.to_lowercase()),
                1 => Just(name.to_uppercase()),
                1 => Just(name.replace('s', "\u{17f}").replace('k', "\u{212a}")),
            ];
            let entry = (string(taste, key.boxed()), value);
            let times = prop_oneof![60 => Just(1..2_usize), 1 => Just(2..4)];
            let entries = times.prop_flat_map(move |times| vec(entry.clone(), times));
            prop::option::weighted(f64::from(percent) / 100.0, entries)
        })
        .collect();
    (fields, prop::bool::weighted(0.1))
        .prop_map(|(fields, backwards)| {
            let mut entries: Vec<(Json, Json)> = fields.into_iter().flatten().flatten().collect();
            if backwards {
                entries.reverse();
            }
            joined(entries)
        })
        .boxed()
}

fn joined(entries: Vec<(Json, Json)>) -> Json {
    let entries: Vec<Json> =
        entries.into_iter().map(|(key, value)| [key, b":".to_vec(), value].concat()).collect();
    [&b"{"[..], &entries.join(&b","[..]), b"}"].concat()
}

/// The elements of one list behind those of another.
fn splice(first: &[u8], rest: &[u8]) -> Json {
    match (first, rest) {
        ([start @ .., b']'], [b'[', end @ ..]) if end.len() > 1 => [start, b",", end].concat(),
        _ => first.to_vec(),
    }
}

fn list(elements: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    vec(elements, 0..4).prop_map(|list| [&b"["[..], &list.join(&b", "[..]), b"]"].concat()).boxed()
}

fn strings(
    taste: Taste,
    elements: BoxedStrategy<String>,
    count: Range<usize>,
) -> BoxedStrategy<Json> {
    vec(prop_oneof![60 => string(taste, elements), 1 => literal("null")], count)
        .prop_map(|list| [&b"["[..], &list.join(&b","[..]), b"]"].concat())
        .boxed()
}

/// A string as text: escaped as little as may be, as much as may be, or with bytes that are no UTF-8 and
/// halves of surrogate pairs in it.
fn string(taste: Taste, texts: BoxedStrategy<String>) -> BoxedStrategy<Json> {
    let end = prop_oneof![
        300 => Just(&b""[..]),
        1 => Just(&b"\xff\xc3"[..]),
        1 => Just(&b"\\ud83d"[..]),
        1 => Just(&b"\\ude00x"[..]),
        1 => Just(&b"\\u0000"[..]),
        1 => Just(&b"\\/\\b\\f\\u00e9"[..]),
        1 => Just(&b"\xed\xa0\x80"[..]),
    ];
    // What no JSON string may hold.
    let wrong = prop_oneof![Just(&b"\t"[..]), Just(&b"\\x41"[..]), Just(&b"\\u12"[..])];
    let end = match taste {
        Taste::Sound => end.boxed(),
        Taste::Broken => prop_oneof![300 => end, 1 => wrong].boxed(),
    };
    (texts, prop::bool::weighted(0.1), end)
        .prop_map(|(text, escaped, end)| {
            let mut json = serde_json::to_string(&text).unwrap();
            if escaped {
                let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
                json = format!("\"{}\"", units.collect::<String>());
            }
            json.truncate(json.len() - 1);
            [json.as_bytes(), end, b"\""].concat()
        })
        .boxed()
}

impl Taste {
    /// The value, where anything goes; else null, which Go reads as nothing at all.
    fn or_null(self, value: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
        match self {
            Self::Sound => literal("null"),
            Self::Broken => value,
        }
    }
}

/// The value of a key that nobody knows.
fn object_value(taste: Taste) -> BoxedStrategy<Json> {
    match taste {
        Taste::Sound => prop::sample::select(&["7", "\"x\"", "{\"a\":[1,{}]}", "[]", "true"][..])
            .prop_map(|text: &str| text.as_bytes().to_vec())
            .boxed(),
        Taste::Broken => odd(),
    }
}

/// A value of any type.
fn odd() -> BoxedStrategy<Json> {
    prop::sample::select(
        &[
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1.5",
            "1e3",
            "1e999",
            "01",
            "[]",
            "{}",
            "\"\"",
            "\"x\"",
            "[null]",
            "[\"x\"]",
            "[1]",
            "[[]]",
            "{\"a\":\"b\"}",
            "{\"a\":{}}",
            "{\"a\":null}",
            "{\"a\":1,\"a\":[]}",
            "tru",
        ][..],
    )
    .prop_map(|text: &str| text.as_bytes().to_vec())
    .boxed()
}

fn literal(text: &'static str) -> BoxedStrategy<Json> {
    Just(text.as_bytes().to_vec()).boxed()
}
