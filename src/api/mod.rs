//! The wire: the generated messages, and their translation to and from the use case.

pub mod bounds;
pub mod codec;
mod generate;
pub mod pb;
pub mod request;
pub mod response;
pub mod service;
pub mod status;
pub mod templates;

pub use service::Service;
