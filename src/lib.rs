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
//!    |  ImageStore::resolve       I/O: a name to a descriptor; a name is never cached
//!    |  ImageReader::describe     I/O: index, manifest, configuration, cached by digest
//!    v
//! ImageConfig --> users::needed   which account files, if any?
//!    |  ImageReader::read_account_files
//!    |                            I/O: /etc/passwd and /etc/group, cached by chain ID
//!    |  users::resolve            names to numbers
//!    |  host                      devices and CDI specifications, if any are asked for
//!    |  spec::steps               a profile's spec, edited by one step after the other
//!    |  spec::rules               every rule that the spec breaks, with the option that set the place
//!    |  oci::json                 the same bytes each time, in Go's form
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
//! - [`oci`], [`domain`], [`users`], [`spec`] and [`paths`] are the core. They hold no I/O, no `async`, no clock.
//! - [`oci`] is the one model of the runtime spec: typed structs in Go's order. Requests, steps and rules use it.
//! - [`store`] is where bytes come from: the traits for images, snapshots and containers, and the stores
//!   that implement them.
//! - [`image`] is what an image is, over any [`store::ImageStore`]. The use case asks an
//!   [`image::ImageReader`].
//! - [`host`] is this machine: its facts, its devices and CDI specifications.
//! - [`generate`] alternates the core and the fetching; [`api`] holds the generated messages and translates them.
//! - [`server`] is the transport and does not depend on specs.
//! - [`commands`] and [`telemetry`] put everything together; [`call_end`] runs an action at the end of a gRPC call.
//!
//! # Invariants
//!
//! - A user that cannot be resolved is an error, never root.
//! - A name is never cached: the lookup that answers a call began after the call arrived. Content is cached by its digest, within
//!   its namespace.
//! - The bytes of a blob are compared with its size and digest before they are used.
//! - The same request for the same image gives the same bytes.
//! - The test `tidy` checks the table of allowed imports.

pub mod api;
pub mod call_end;
pub mod commands;
pub mod domain;
pub mod generate;
pub mod host;
pub mod image;
pub mod oci;
pub mod paths;
pub mod server;
pub mod spec;
pub mod store;
pub mod telemetry;
pub mod users;
