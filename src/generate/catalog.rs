//! The profiles in force, which may be exchanged while calls run.
//!
//! Invariant: a call that has begun keeps the profiles that it began with.

use crate::spec::Profiles;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// The profiles in force, shared by all who ask for them.
#[derive(Debug, Clone)]
pub struct Catalog(Arc<ArcSwap<Profiles>>);

impl Catalog {
    /// A catalogue of these profiles.
    #[must_use]
    pub fn new(profiles: Profiles) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(profiles)))
    }

    /// The profiles as they are now.
    #[must_use]
    pub fn now(&self) -> Arc<Profiles> {
        self.0.load_full()
    }

    /// Puts other profiles in force, for calls that begin from now on.
    pub fn replace(&self, profiles: Profiles) {
        self.0.store(Arc::new(profiles));
    }
}

impl From<Profiles> for Catalog {
    fn from(profiles: Profiles) -> Self {
        Self::new(profiles)
    }
}
