//! The wire: the generated messages, and their translation to and from the use case.

pub mod bounds;
pub mod codec;
pub mod pb;
pub mod request;
pub mod response;
pub mod service;
pub mod status;

pub use service::Service;
