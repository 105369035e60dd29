//! The proof with real runtimes: what specd answers starts, and what it refuses does not.
//!
//! Every golden spec is valid by the runtime spec's JSON schema, and starts under the runtimes of
//! [`runtime::Runtime`]; and for each rule on finished specs there is a spec that breaks it, which
//! `specd validate` finds by name and the rule's runtime refuses.
//!
//! A bundle is a busybox and a script or two. What of a spec cannot be on this machine is changed by the list
//! in [`adapted`], and every spec that cannot start here is printed with the reason.
//!
//! What a machine lacks (root, runc, Go, crun) means a test that says SKIPPED.

#![allow(clippy::needless_pass_by_value, reason = "what is given is written where it is given")]

mod adapted;
mod bundle;
mod cases;
mod containers_common;
mod docs;
mod goldens;
mod host_rules;
mod init;
mod other_namespaces;
mod rootless;
mod rules;
mod runtime;
mod schema;
mod user_namespaces;
