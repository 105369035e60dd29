//! The rules, as data: the import table and the lists beside it.

use std::fmt;

/// Lines that a file may have beside its tests, before one asks whether it is two.
pub(crate) const MAX_LINES: usize = 300;

/// Files that may be longer, each with the reason.
pub(crate) const LONG: &[(&str, &str)] = &[];

/// Names that say nothing about what is inside.
pub(crate) const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"];

/// Modules that decide and never fetch.
pub(crate) const PURE: &[&str] = &["domain", "accounts", "spec"];

/// What a pure module has no business with, and why.
pub(crate) const IMPURE: &[(&[&str], &str)] = &[
    (&["tokio"], "the pure core has no runtime"),
    (&["tonic"], "the pure core does not know the wire"),
    (&["prost"], "the pure core does not know the wire"),
    (&["prost_types"], "the pure core does not know the wire"),
    (&["std", "fs"], "the pure core reads no files: take the bytes as an argument"),
    (&["std", "env"], "the pure core reads no environment: take the value as an argument"),
    (&["std", "time", "Instant"], "the pure core has no clock: take the time as an argument"),
    (&["std", "time", "SystemTime"], "the pure core has no clock: take the time as an argument"),
];

/// A part of the crate that a module may import.
pub(crate) enum Import {
    /// All that it exports.
    All(&'static str),
    /// Only paths with one of these segments; `*Error` stands for every name that ends so.
    Only(&'static str, &'static [&'static str]),
}
use Import::{All, Only};

/// One row of the import table: a top-level module, and what it may import.
pub(crate) struct Row {
    pub(crate) module: &'static str,
    pub(crate) imports: &'static [Import],
    /// Outside crates beside std; `*` stands for all.
    pub(crate) crates: &'static [&'static str],
}

pub(crate) const ERRORS: &[&str] = &["error", "*Error"];
pub(crate) const ERRORS_AND_ENCODE: &[&str] = &["error", "*Error", "encode", "Encoded", "TYPE_URL"];

/// Who may import whom.
pub(crate) const TABLE: &[Row] = &[
    Row { module: "domain", imports: &[], crates: &["thiserror", "serde"] },
    Row { module: "accounts", imports: &[All("domain")], crates: &["thiserror"] },
    Row {
        module: "spec",
        imports: &[All("domain")],
        crates: &["oci_spec", "serde", "serde_json", "serde_saphyr", "thiserror"],
    },
    Row {
        module: "image",
        imports: &[All("domain")],
        crates: &[
            "async_trait",
            "base64",
            "bytes",
            "flate2",
            "futures_util",
            "hex",
            "moka",
            "oci_spec",
            "rustix", // an unpacked snapshot is read in place, which the standard library cannot do safely
            "serde",
            "serde_json",
            "sha2",
            "tar",
            "thiserror",
            "time",
            "tokio",
            "tokio_util",
            "tracing",
            "zstd",
        ],
    },
    Row {
        module: "container",
        imports: &[All("domain"), Only("image", ERRORS)],
        crates: &["async_trait", "thiserror"],
    },
    Row {
        module: "source",
        imports: &[All("domain"), All("image"), All("container"), All("pb")],
        crates: &[
            "async_trait",
            "bytes",
            "futures_util",
            "http",
            "http_body",
            "humantime", // leases state their end as text
            "hyper_util",
            "thiserror",
            "tokio",
            "tokio_util",
            "tonic",
            "tower",
            "tracing",
        ],
    },
    Row {
        module: "generate",
        imports: &[
            All("domain"),
            All("image"),
            All("container"),
            All("accounts"),
            All("spec"),
            Only("host", &["source"]),
        ],
        crates: &["arc_swap", "thiserror", "tracing"],
    },
    Row {
        module: "rpc",
        imports: &[
            All("domain"),
            Only("image", ERRORS),
            Only("container", ERRORS),
            Only("accounts", ERRORS),
            Only("spec", ERRORS_AND_ENCODE),
            All("generate"),
            All("pb"),
        ],
        crates: &["prost", "prost_types", "tonic", "tonic_types", "tracing", "tokio"],
    },
    Row {
        module: "server",
        // Of generated code it may know gRPC's own protocols, and no spec's.
        imports: &[All("domain"), Only("image", &["source"]), Only("pb", &["health"])],
        crates: &[
            "arc_swap",
            "bytes",
            "futures_util",
            "http",
            "http_body",
            "hyper",
            "hyper_util",
            "listenfd",
            "prometheus_client",
            "rustix",
            "rustls",
            "rustls_pki_types",
            "sd_notify",
            "sha2",
            "thiserror",
            "tokio",
            "tokio_rustls",
            "tokio_stream",
            "tokio_util",
            "tonic",
            "tonic_reflection",
            "tower",
            "tracing",
            "webpki",
        ],
    },
    Row { module: "pb", imports: &[], crates: &["prost", "prost_types", "tonic", "tonic_prost"] },
    Row { module: "cli", imports: &[All("domain"), All("config")], crates: &["clap", "humantime"] },
    Row {
        module: "config",
        imports: &[All("domain"), All("cli")],
        crates: &["clap", "humantime", "thiserror"],
    },
    Row {
        module: "telemetry",
        imports: &[All("domain"), All("config")],
        crates: &[
            "http",
            "opentelemetry",
            "opentelemetry_otlp",
            "opentelemetry_sdk",
            "thiserror",
            "tracing",
            "tracing_opentelemetry",
            "tracing_subscriber",
        ],
    },
    Row {
        module: "host",
        imports: &[All("domain")],
        crates: &["async_trait", "rustix", "serde", "serde_json", "thiserror", "tokio"],
    },
    Row { module: "app", imports: EVERYTHING, crates: &["*"] },
    Row { module: "commands", imports: EVERYTHING, crates: &["*"] },
    Row { module: "main", imports: EVERYTHING, crates: &["*"] },
    Row { module: "lib", imports: &[], crates: &[] },
];

/// What the composition root may import.
pub(crate) const EVERYTHING: &[Import] = &[
    All("domain"),
    All("accounts"),
    All("spec"),
    All("image"),
    All("container"),
    All("source"),
    All("generate"),
    All("rpc"),
    All("server"),
    All("pb"),
    All("cli"),
    All("config"),
    All("telemetry"),
    All("app"),
    All("commands"),
    All("host"),
];

/// Types of oci-spec whose `default()` is an opinion and not empty.
pub(crate) const OPINIONATED: &[&str] = &[
    "Spec",
    "Process",
    "Linux",
    "LinuxCapabilities",
    "LinuxMemoryPolicy",
    "Root",
    "Scheduler",
    "ImageIndex",
    "RootFs",
];

/// Lints of `Cargo.toml` that are invariants.
pub(crate) const LINTS: &[&str] = &[
    "unsafe_code = \"forbid\"",
    "unwrap_used = \"deny\"",
    "expect_used = \"deny\"",
    "panic = \"deny\"",
    "todo = \"deny\"",
    "unimplemented = \"deny\"",
    "dbg_macro = \"deny\"",
    "print_stdout = \"deny\"",
    "print_stderr = \"deny\"",
];

impl Import {
    /// Whether a path into `target`, of which `rest` is left, may be imported.
    pub(crate) fn admits(&self, target: &str, rest: &[String]) -> bool {
        match self {
            All(module) => *module == target,
            Only(module, parts) => {
                *module == target
                    && rest.iter().any(|segment| {
                        parts.iter().any(|part| match part.strip_prefix('*') {
                            Some(ending) => segment.ends_with(ending),
                            None => segment == part,
                        })
                    })
            }
        }
    }
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            All(module) => f.write_str(module),
            Only(module, parts) => write!(f, "{module} ({})", parts.join(" ")),
        }
    }
}
