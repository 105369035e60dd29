//! The stages of a call, for measurements.

use std::time::Duration;

/// A part of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The stored container is read; only for an exec.
    Container,
    /// The name becomes a digest.
    Resolve,
    /// The digest becomes a configuration.
    Describe,
    /// The account files are read, if they are needed.
    Files,
    /// Devices and CDI specifications of the host are read, if they are requested.
    Host,
    /// The spec is put together and encoded.
    Assemble,
    /// Instead of that, one that was made before is copied with another id.
    Copy,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 7] = [
        Self::Container,
        Self::Resolve,
        Self::Describe,
        Self::Files,
        Self::Host,
        Self::Assemble,
        Self::Copy,
    ];

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
            Self::Copy => "copy",
        }
    }
}

/// An observer of stages.
pub trait Observer: Send + Sync {
    /// A stage has ended, with or without an error.
    fn took(&self, stage: Stage, time: Duration);
}

impl Observer for () {
    fn took(&self, _: Stage, _: Duration) {}
}
