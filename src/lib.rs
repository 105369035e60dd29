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
//!    |  spec::assemble            puts these together:
//!    |  spec::steps               a profile's spec, edited by one step after the other
//!    |  spec::rules               every rule that the spec breaks, with the option that set the place
//!    |  oci::json                 the same bytes each time, in Go's form
//!    v
//! spec::Finished
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
//! - [`server`] is the transport and does not depend on specs. A call in Connect or gRPC-Web becomes one in gRPC there.
//! - [`commands`] and [`telemetry`] put everything together; [`call_end`] runs an action at the end of a gRPC call,
//!   and [`call_time`] has its time. [`workers`] runs long computations, of which [`server`], [`api`] and [`generate`] have
//!   some. `corked` joins small writes to a socket.
//!
//! # The library
//!
//! With `default-features = false` the crate is the pure core: no I/O, and about twenty dependencies. What it needs to know
//! the caller reads: the image's configuration and, if [`users::needed()`] says so, its account files.
//!
//! ```
//! use bytes::Bytes;
//! use specd::domain::host_facts::HostFacts;
//! use specd::domain::ids::{ContainerId, Namespace};
//! use specd::domain::request::Options;
//! use specd::image::AccountFiles;
//! use specd::image::metadata::config;
//! use specd::image::platform::Platform;
//! use specd::spec::{self, Allowance, Equipment, Inputs, Profiles};
//! use specd::{oci, users};
//!
//! let image = config::parse(br#"{"os": "linux", "architecture": "amd64",
//!     "config": {"User": "app", "Cmd": ["serve"]}, "rootfs": {"diff_ids": []}}"#)?;
//! let passwd = Bytes::from_static(b"app:x:1000:1000::/home/app:/bin/sh\n");
//! let files = AccountFiles { passwd: Some(passwd), group: None };
//!
//! let profiles = Profiles::built_in("function")?;
//! let profile = profiles.get(Some("containerd-2.4")).ok_or("no such profile")?;
//! let mut options = Options::default();
//! options.process.env = vec!["LANG=C.UTF-8".to_owned()];
//!
//! let named = image.container.as_ref().map_or("", |container| &container.user);
//! let image_user = users::image_user(profile.rules, named)?;
//! let of_profile = profile.user();
//! let (of_image, of_profile) = (image_user.as_ref(), of_profile.as_ref());
//! let user = users::resolve(profile.rules, of_image, of_profile, &options.user, &files)?;
//! let (namespace, id) = (Namespace::parse("default")?, ContainerId::parse("web-1")?);
//! let inputs = Inputs {
//!     id: &id,
//!     host: &HostFacts::default(),
//!     platform: &Platform::new("linux", "amd64", ""),
//!     seccomp: &profile.seccomp,
//!     rules: profile.rules,
//!     user_mounts: profile.user_mounts,
//!     additions: profile.additions,
//!     image: Some(&image),
//!     options: &options,
//!     equipment: &Equipment::default(),
//!     user: Some(&user),
//!     allowance: Allowance::UNLIMITED,
//! };
//! let origins = || users::origins(of_image, of_profile, &options.user, &files, &user);
//!
//! // The spec, checked by every rule.
//! let finished = spec::generate(profile, &namespace, &inputs, origins)?;
//! let spec: oci::Spec = serde_json::from_slice(&finished.encoded.json)?;
//! let process = spec.process.ok_or("no process")?;
//! assert_eq!((process.user.uid, process.args), (1000, vec!["serve".to_owned()]));
//!
//! // The same, with what set each field.
//! let (explained, fields) = spec::explain(profile, &namespace, &inputs, origins)?;
//! assert_eq!(explained, finished);
//! let args = fields.iter().find(|field| field.path == "/process/args/0").ok_or("no argument")?;
//! assert_eq!(args.now.by.to_string(), "image config.Cmd[0]");
//!
//! // The rules on any spec.
//! let broken = spec::rules::find_broken_in_json(serde_json::json!({"ociVersion": "1.2.0"}));
//! assert_eq!(broken[0].to_string(), "process: is missing");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//!
//! - A user that cannot be resolved is an error, never root.
//! - A name is never cached: the lookup that answers a call began after the call arrived. Content is cached by its digest, within
//!   its namespace.
//! - The bytes of a blob are compared with its size and digest before they are used.
//! - The same request for the same image gives the same bytes.
//! - The test `tidy` checks the table of allowed imports.

#[cfg(feature = "server")]
pub mod api;
#[cfg(feature = "server")]
pub mod call_end;
#[cfg(feature = "server")]
pub mod call_time;
#[cfg(feature = "server")]
pub mod commands;
#[cfg(feature = "server")]
mod corked;
pub mod domain;
#[cfg(feature = "server")]
pub mod generate;
#[cfg(feature = "server")]
pub mod host;
pub mod image;
pub mod oci;
pub mod paths;
#[cfg(feature = "server")]
mod proto_json;
#[cfg(feature = "server")]
pub mod server;
pub mod spec;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod telemetry;
pub mod users;
#[cfg(feature = "server")]
pub mod workers;
