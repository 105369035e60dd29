//! What needs no machine: the golden answers, replays of reference data, the documents, and the invariants of the sources.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod blame;
mod bless;
mod bounds;
mod cases;
mod docker;
mod explain;
mod fuzz;
mod generated_tables;
mod hostile_images;
mod options_table;
mod protos;
mod reference;
mod seccomp;
mod support_dates;
#[path = "../support"]
mod support {
    pub(crate) mod api_fields;
    pub(crate) mod fuzz;
    pub(crate) mod go_json;
    pub(crate) mod go_options;
    pub(crate) mod golden;
    pub(crate) mod golden_host;
    pub(crate) mod layout;
    pub(crate) mod received;
    pub(crate) mod request_json;
    pub(crate) mod say;
    pub(crate) mod service;
    pub(crate) mod tasks;
}
mod tidy;
