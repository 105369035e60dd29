//! The current profiles, which can be replaced while calls run.
//!
//! Invariant: a call keeps the profiles that it started with.

use crate::spec::Profiles;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// The current profiles, shared between calls.
#[derive(Debug, Clone)]
pub struct Catalog(Arc<ArcSwap<Profiles>>);

impl Catalog {
    /// A catalogue of these profiles.
    #[must_use]
    pub fn new(profiles: Profiles) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(profiles)))
    }

    /// The current profiles.
    #[must_use]
    pub fn now(&self) -> Arc<Profiles> {
        self.0.load_full()
    }

    /// Replaces the profiles for calls that start later.
    pub fn replace(&self, profiles: Profiles) {
        self.0.store(Arc::new(profiles));
    }
}

impl From<Profiles> for Catalog {
    fn from(profiles: Profiles) -> Self {
        Self::new(profiles)
    }
}
