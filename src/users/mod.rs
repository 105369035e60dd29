//! Users and groups: account files in, numbers out.
//!
//! It decides which account files an image's USER needs, and resolves it with them. `image` reads the files.
//!
//! Invariant: a user that cannot be resolved is an error, never root.

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
