//! JSON as Go's `encoding/json` reads it.

mod list;
mod syntax;
pub mod time;
mod value;

pub use list::List;
pub use syntax::JsonError;
pub use value::{Document, Value};
