//! The rules, as data: the import table and the lists beside it.

use std::fmt;

/// Lines that a file may have beside its tests, before one asks whether it is two.
pub(crate) const MAX_LINES: usize = 300;

/// Files that may be longer, each with the reason.
pub(crate) const LONG: &[(&str, &str)] =
    &[("src/spec/rules/table.rs", "one table, with a row for each rule")];

/// Names that say nothing about what is inside.
pub(crate) const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"];

/// Modules that decide and never fetch.
pub(crate) const PURE: &[&str] = &[
    "domain",
    "paths",
    "users",
    "oci",
    "spec",
    "image::account_files",
    "image::descriptor",
    "image::digest",
    "image::metadata",
    "image::platform",
    "image::reference",
    "image::snapshot::key",
];

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

/// One row of the import table: a module with all below it that has no row of its own, and what it may
/// import from outside itself.
pub(crate) struct Row {
    pub(crate) module: &'static str,
    pub(crate) imports: &'static [Import],
    /// Outside crates beside std; `*` stands for all.
    pub(crate) crates: &'static [&'static str],
}

pub(crate) const ERRORS_AND_ENCODE: &[&str] = &["error", "*Error", "encode", "Encoded", "TYPE_URL"];

/// The traits of `store` and their plain data, without the stores that implement them.
pub(crate) const STORE_TRAITS: &[&str] = &[
    "BlobStream",
    "ContainerStore",
    "Deadline",
    "HeldSnapshot",
    "ImageStore",
    "Mount",
    "NamespaceDefaults",
    "NamespaceStore",
    "NodeRelease",
    "Resolved",
    "SnapshotHold",
    "SnapshotStore",
    "StoredContainer",
    "*Error",
];

/// What a store is asked for, and in what words.
pub(crate) const STORED: &[&str] = &["Descriptor", "digest", "reference", "key"];

/// What every part of `image` works with.
pub(crate) const IMAGE_TYPES: &[&str] = &[
    "AccountFiles",
    "Description",
    "Descriptor",
    "ImageError",
    "ImageReader",
    "NeededFiles",
    "digest",
];

/// Who may import whom.
pub(crate) const TABLE: &[Row] = &[
    Row {
        module: "domain",
        imports: &[
            All("oci"),
            Only("image", &["config", "digest", "key", "platform", "reference"]),
            All("paths"),
            Only("users", &["user"]),
        ],
        crates: &["thiserror", "serde"],
    },
    Row { module: "oci", imports: &[], crates: &["serde", "serde_json"] },
    Row { module: "paths", imports: &[], crates: &[] },
    Row {
        module: "users",
        imports: &[All("domain"), Only("image", &["AccountFiles", "NeededFiles"])],
        crates: &["thiserror"],
    },
    Row {
        module: "spec",
        imports: &[
            All("domain"),
            All("oci"),
            All("paths"),
            Only("image", &["config", "platform"]),
            Only("users", &["user"]),
        ],
        crates: &["oci_spec", "serde", "serde_json", "serde_saphyr", "thiserror"],
    },
    Row {
        module: "image",
        imports: &[All("domain"), All("paths"), Only("store", STORE_TRAITS)],
        crates: &[
            "async_trait",
            "bytes",
            "moka",
            "sha2",
            "hex",
            "rustix",
            "thiserror",
            "tokio",
            "tokio_util",
        ],
    },
    Row { module: "image::account_files", imports: &[], crates: &["bytes"] },
    Row {
        module: "image::descriptor",
        imports: &[All("image::digest"), All("image::platform")],
        crates: &["bytes"],
    },
    Row { module: "image::digest", imports: &[], crates: &["thiserror"] },
    Row { module: "image::platform", imports: &[], crates: &[] },
    Row {
        module: "image::reference",
        imports: &[All("domain"), All("image::digest")],
        crates: &["thiserror"],
    },
    Row {
        module: "image::metadata",
        imports: &[All("image::digest"), All("image::platform"), Only("image", &["Descriptor"])],
        crates: &["base64", "hex", "serde", "serde_json", "sha2"],
    },
    Row {
        module: "image::layers",
        imports: &[
            All("domain"),
            All("paths"),
            All("image::blob"),
            All("image::digest"),
            All("image::low_priority"),
            All("image::metadata"),
            Only("image", IMAGE_TYPES),
            Only("store", STORE_TRAITS),
        ],
        crates: &["bytes", "flate2", "thiserror", "tokio", "tokio_util", "zstd"],
    },
    Row {
        module: "image::snapshot",
        imports: &[
            All("domain"),
            All("paths"),
            All("image::layers"),
            All("image::platform"),
            Only("image", IMAGE_TYPES),
            Only("store", STORE_TRAITS),
        ],
        // An unpacked snapshot is read in place, which the standard library cannot do safely.
        crates: &["async_trait", "rustix", "tokio"],
    },
    Row { module: "image::snapshot::key", imports: &[All("domain")], crates: &["thiserror"] },
    Row {
        module: "store",
        imports: &[All("domain"), Only("image", STORED)],
        crates: &["async_trait", "moka", "thiserror", "tokio"],
    },
    Row {
        module: "store::containerd",
        imports: &[
            All("domain"),
            Only("image", STORED),
            Only("store", STORE_TRAITS),
            Only("api", &["pb"]),
            All("call_end"),
            All("corked"),
        ],
        crates: &[
            "async_trait",
            "bytes",
            "fastrand",
            "futures_util",
            "http",
            "humantime", // leases state their end as text
            "hyper_util",
            "rustix",
            "tokio",
            "tokio_util",
            "tonic",
            "tower",
            "tracing",
        ],
    },
    Row {
        module: "store::metered",
        imports: &[All("domain"), Only("image", STORED), Only("store", STORE_TRAITS)],
        crates: &["async_trait", "tokio"],
    },
    Row {
        module: "store::oci_layout",
        imports: &[
            All("domain"),
            Only("image", STORED),
            All("image::layers::tar"),
            All("image::metadata"),
            Only("store", STORE_TRAITS),
        ],
        crates: &["async_trait", "thiserror", "tokio"],
    },
    Row {
        module: "store::shared",
        imports: &[All("domain"), Only("image", STORED), Only("store", STORE_TRAITS)],
        crates: &["async_trait", "tokio", "tracing"],
    },
    Row {
        module: "generate",
        imports: &[
            All("domain"),
            All("image"),
            All("store"),
            All("users"),
            All("spec"),
            Only("host", &["source"]),
            All("workers"),
        ],
        crates: &["arc_swap", "thiserror", "tokio", "tracing"],
    },
    Row {
        module: "api",
        imports: &[
            All("domain"),
            All("oci"),
            Only("image", &["*Error", "digest", "healthcheck", "key", "platform", "reference"]),
            All("paths"),
            Only("store", &["*Error", "Deadline"]),
            Only("users", &["error", "*Error", "user"]),
            Only("spec", ERRORS_AND_ENCODE),
            All("generate"),
            All("call_time"),
            All("workers"),
        ],
        crates: &[
            "moka",
            "prost",
            "prost_types",
            "serde_json",
            "tonic",
            "tonic_prost",
            "tonic_types",
            "tracing",
            "tokio",
        ],
    },
    Row {
        module: "server",
        // Of generated code it may use gRPC's own protocols, and not that of specs.
        imports: &[
            All("domain"),
            All("call_end"),
            All("corked"),
            All("call_time"),
            All("workers"),
            Only("store", &["ImageStore"]),
            Only("api", &["health"]),
            All("proto_json"),
        ],
        crates: &[
            "arc_swap",
            "bytes",
            "base64",
            "fastrand",
            "futures_util",
            "http",
            "http_body",
            "http_body_util",
            "hyper",
            "hyper_util",
            "listenfd",
            "percent_encoding",
            "prometheus_client",
            "prost",
            "prost_reflect",
            "prost_types",
            "rustix",
            "rustls",
            "rustls_pki_types",
            "sd_notify",
            "serde_json",
            "sha2",
            "thiserror",
            "tokio",
            "tokio_rustls",
            "tokio_stream",
            "tokio_util",
            "tonic",
            "tonic_reflection",
            "tonic_types",
            "tonic_web",
            "tower",
            "tracing",
            "webpki",
        ],
    },
    Row {
        module: "proto_json",
        imports: &[All("domain")],
        crates: &["prost_reflect", "serde_json"],
    },
    Row {
        module: "call_end",
        imports: &[],
        crates: &["bytes", "http", "http_body", "tonic", "tracing"],
    },
    Row { module: "call_time", imports: &[], crates: &["http"] },
    Row { module: "corked", imports: &[], crates: &["bytes", "tokio", "tokio_util"] },
    Row { module: "workers", imports: &[], crates: &["tokio"] },
    Row {
        module: "telemetry",
        imports: &[All("domain")],
        crates: &[
            "clap", // the format of the log is a flag
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
        imports: &[All("domain"), All("paths")],
        crates: &["async_trait", "rustix", "serde", "serde_json", "thiserror", "tokio"],
    },
    Row { module: "commands", imports: EVERYTHING, crates: &["*"] },
    Row { module: "main", imports: EVERYTHING, crates: &["*"] },
    Row { module: "lib", imports: &[], crates: &[] },
];

/// What the composition root may import.
pub(crate) const EVERYTHING: &[Import] = &[
    All("oci"),
    All("domain"),
    All("paths"),
    All("users"),
    All("spec"),
    All("image"),
    All("store"),
    All("generate"),
    All("api"),
    All("server"),
    All("telemetry"),
    All("commands"),
    All("host"),
    All("proto_json"),
    All("workers"),
];

/// Types of oci-spec with a `default()` that is an opinion and not empty.
pub(crate) const OPINIONATED: &[&str] =
    &["Spec", "Process", "Linux", "LinuxCapabilities", "LinuxMemoryPolicy", "Root", "Scheduler"];

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
    /// Whether a path below the crate may be imported.
    pub(crate) fn admits(&self, path: &[String]) -> bool {
        match self {
            All(module) => is_within(path, module),
            Only(module, parts) => {
                is_within(path, module)
                    && path.iter().skip(module.split("::").count()).any(|segment| {
                        parts.iter().any(|part| match part.strip_prefix('*') {
                            Some(ending) => segment.ends_with(ending),
                            None => segment == part,
                        })
                    })
            }
        }
    }
}

/// Whether a path below the crate is that of a module, or is inside it.
pub(crate) fn is_within(path: &[String], module: &str) -> bool {
    let mut segments = path.iter();
    module.split("::").all(|name| segments.next().is_some_and(|segment| segment == name))
}

/// The row of a module: that of the module itself, or of the nearest one around it.
pub(crate) fn row(path: &[String]) -> Option<&'static Row> {
    TABLE.iter().filter(|row| is_within(path, row.module)).max_by_key(|row| row.module.len())
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            All(module) => f.write_str(module),
            Only(module, parts) => write!(f, "{module} ({})", parts.join(" ")),
        }
    }
}
