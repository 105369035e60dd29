//! The form of the JSON texts in a response.

/// The form of the JSON texts in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Encoding {
    /// An `Any`.
    #[default]
    Any,
    /// A string. The transport puts this among the extensions of a call with messages in JSON.
    Json,
}
