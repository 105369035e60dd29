//! specd: OCI runtime specs as a service.
//!
//! A gRPC daemon beside containerd. For the name of an image, a namespace and an id it returns the `Any` that
//! containerd's `Containers.Create` takes.
//!
//! # The flow, one way
//!
//! ```text
//! api::pb::specd::GenerateRequest
//!    |  api::request              every violation at once, with its field path
//!    v
//! domain::request::Request        generate takes over
//!    |  ImageSource::resolve      I/O: a name, never cached
//!    |  ImageReader::describe     I/O: index, manifest, configuration, cached by digest
//!    v
//! ImageConfig --> accounts::needed   which account files, if any?
//!    |  ImageReader::files        I/O: /etc/passwd and /etc/group, cached by chain ID
//!    |  accounts::resolve         names to numbers
//!    |  host                      devices and CDI specifications, if requested
//!    |  spec::assemble            a profile, then one step after the other; with a journal for Explain
//!    |  spec::encode              the same bytes each time
//!    v
//! spec::Encoded
//!    |  api::response
//!    v
//! prost_types::Any
//! ```
//!
//! Decide what is needed, fetch it, decide: each decision is a plain function on plain data.
//!
//! # The layers
//!
//! - [`domain`], [`accounts`] and [`spec`] are the core. They hold no I/O, no `async`, no clock.
//! - [`image`] reads images between two interfaces: [`image::source::ImageSource`], the store of bytes, and
//!   [`image::reader::ImageReader`], which the use case calls. [`source`] has the stores.
//! - [`container`] is the interface to stored containers, for another process in one of them.
//! - [`generate`] alternates the core and the fetching; [`api`] holds the generated messages and translates them.
//! - [`server`] is the transport and does not depend on specs.
//! - [`cli`], [`config`], [`app`], [`commands`] and [`telemetry`] put everything together.
//!
//! # Invariants
//!
//! - A user that cannot be resolved is an error, never root.
//! - A name is looked up for each call; content is cached by its digest, within its namespace.
//! - The bytes of a blob are compared with its size and digest before they are used.
//! - The same request for the same image gives the same bytes.
//! - The test `tidy` checks the table of allowed imports.

pub mod accounts;
pub mod api;
pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod container;
pub mod domain;
pub mod generate;
pub mod host;
pub mod image;
pub mod server;
pub mod source;
pub mod spec;
pub mod telemetry;
