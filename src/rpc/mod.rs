//! The wire: translation between the generated messages and the use case, and nothing else.

pub mod deadline;
mod explanation;
pub mod from_wire;
pub mod service;
pub mod status;
pub mod to_wire;

pub use service::Service;
