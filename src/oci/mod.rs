//! The OCI runtime spec 1.3 as typed, ordered structs.
//!
//! The order of the fields is that of Go's `specs-go`, and a field is left out where Go's `omitempty` leaves it
//! out, so that serializing gives the bytes of Go's `json.Marshal`. Fields that no struct has are kept in
//! `other`, at every depth, and are written last.
//!
//! A struct lists its fields once, in the macro `object!`; everything else about a field follows from its type.

mod encoded_once;
pub mod json;
mod linux;
mod mounts;
mod object;
mod place;
mod process;
mod resources;
mod seccomp;
mod spec;
mod types;
mod version;

pub use encoded_once::EncodedOnce;
pub use linux::*;
pub use mounts::*;
pub use place::{Place, Step};
pub use process::*;
pub use resources::*;
pub use seccomp::*;
pub use spec::*;
pub use types::{Member, Other, WrongType};
pub use version::{KNOWN_VERSIONS, foreign_fields};

pub(crate) use object::object;
pub(crate) use place::place;
