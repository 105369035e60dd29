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
//!    |  ImageStore::resolve       I/O: a name to a descriptor; a name is never cached
//!    |  ImageReader::describe     I/O: index, manifest, configuration, cached by digest
//!    v
//! ImageConfig --> users::needed   which account files, if any?
//!    |  ImageReader::read_account_files
//!    |                            I/O: /etc/passwd and /etc/group, cached by chain ID
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
//! - [`domain`], [`users`] and [`spec`] are the core, with [`paths`]. They hold no I/O, no
//!   `async`, no clock.
//! - [`store`] is where bytes come from: the traits for images, snapshots and containers, and the stores
//!   that implement them.
//! - [`image`] is what an image is, over any [`store::ImageStore`]. The use case asks an
//!   [`image::ImageReader`].
//! - [`host`] is this machine: its facts, its devices and CDI specifications.
//! - [`generate`] alternates the core and the fetching; [`rpc`] translates it to the wire.
//! - [`server`] is the transport and knows nothing of specs.
//! - [`cli`], [`config`], [`app`], [`commands`] and [`telemetry`] put it together.
//!
//! # Invariants
//!
//! - A user that cannot be resolved is an error, never root.
//! - A name is resolved at each call; what is read by digest is cached within its namespace.
//! - The bytes of a blob are compared with its size and digest before anything in them is used.
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
