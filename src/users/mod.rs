//! Users and groups: bytes in, numbers out.
//!
//! Which account files an image's USER needs, and what they make of it. How the bytes are found in an
//! image is `image`'s.
//!
//! Invariant: a user that cannot be resolved is an error; nothing here answers root instead.

pub mod error;
pub mod group;
mod lines;
pub mod needed;
pub mod origins;
pub mod passwd;
pub mod resolve;
pub mod user;

pub use error::{AccountError, Asked, Cause};
pub use needed::{needed, needed_for_groups};
pub use origins::origins;
pub use resolve::{add_groups, image_user, resolve};
