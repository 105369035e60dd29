//! JSON as Go's `encoding/json` reads it into a struct, which is how containerd reads an index, a manifest
//! or a configuration. [`Document::parse`] is where it starts.
//!
//! Keys match in any case, a key that is given twice is read twice into the same place, `null` clears a
//! list or a map and leaves everything else, and a wrong type is an error even if nothing needs the value.

mod list;
mod syntax;
mod time;
mod value;

pub use list::List;
pub use syntax::JsonError;
pub use value::{Document, Value};
