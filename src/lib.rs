//! specd: OCI runtime specs as a service.
//!
//! A gRPC daemon beside containerd. It takes an image's name, a namespace and an id, and answers with the
//! `Any` that containerd's `Containers.Create` takes.
//!
//! # The flow, one way
//!
//! ```text
//! pb::GenerateRequest
//!    |  rpc::from_wire            every violation at once, each with its field path
//!    v
//! domain::request::Request        generate takes over
//!    |  ImageStore::resolve      I/O: a name, which is never remembered
//!    |  ImageReader::describe     I/O: index, manifest, configuration, remembered by digest
//!    v
//! ImageConfig --> users::needed      which account files, if any?
//!    |  ImageReader::files        I/O: /etc/passwd and /etc/group, remembered by chain ID
//!    |  users::resolve            names to numbers
//!    |  host                      devices and CDI specifications, if any are asked for
//!    |  spec::assemble            a profile, then one step after the other; with a journal, if that is
//!    |                            to be explained
//!    |  spec::encode              the same bytes each time
//!    v
//! spec::Encoded
//!    |  rpc::to_wire
//!    v
//! prost_types::Any
//! ```
//!
//! Decide what is needed, fetch it, decide: each decision is a plain function on plain data.
//!
//! # The layers
//!
//! - [`domain`], [`users`] and [`spec`] are the core. They hold no I/O, no `async`, no clock.
//! - [`image`] reads images over two seams: [`image::source::ImageStore`], where bytes come from, and
//!   [`image::reader::ImageReader`], what the use case asks. [`source`] has the stores.
//! - [`container`] is the seam to the containers that are there, for another process in one of them.
//! - [`generate`] alternates the core and the fetching; [`rpc`] translates it to the wire.
//! - [`server`] is the transport and knows nothing of specs.
//! - [`cli`], [`config`], [`app`], [`commands`] and [`telemetry`] put it together.
//!
//! # Invariants
//!
//! - A user that cannot be resolved is an error, never root.
//! - A name is asked for at each call; a content is remembered by its digest, within its namespace.
//! - The bytes of a blob are compared with its size and digest before anything in them is believed.
//! - The same request over the same image gives the same bytes.
//! - Who may import whom is a table, which the test `tidy` holds against the code.

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod domain;
pub mod generate;
pub mod host;
pub mod image;
pub mod paths;
pub mod pb;
pub mod rpc;
pub mod server;
pub mod spec;
pub mod store;
pub mod telemetry;
pub mod users;
