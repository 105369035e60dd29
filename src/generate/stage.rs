//! The stages of a call, for whoever measures them.

use std::time::Duration;

/// A part of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The container that is there is read; only for an exec.
    Container,
    /// The name becomes a digest.
    Resolve,
    /// The digest becomes a configuration.
    Describe,
    /// The account files are read; only where some are needed.
    Files,
    /// The host is looked at for devices and CDI specifications; only where some are asked for.
    Host,
    /// The spec is put together and encoded.
    Assemble,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 6] =
        [Self::Container, Self::Resolve, Self::Describe, Self::Files, Self::Host, Self::Assemble];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Resolve => "resolve",
            Self::Describe => "describe",
            Self::Files => "files",
            Self::Host => "host",
            Self::Assemble => "assemble",
        }
    }
}

/// Whoever measures the stages.
pub trait Observer: Send + Sync {
    /// A stage is over, well or not.
    fn took(&self, stage: Stage, time: Duration);
}

impl Observer for () {
    fn took(&self, _: Stage, _: Duration) {}
}
