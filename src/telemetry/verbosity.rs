//! The log level, which can be changed while the process runs.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_subscriber::EnvFilter;

type Apply = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

/// Switches between the filter that was set at the start and the same with all of specd at debug.
pub struct Verbosity {
    filter: String,
    is_raised: AtomicBool,
    apply: Apply,
}

impl fmt::Debug for Verbosity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verbosity").field("filter", &self.filter).finish_non_exhaustive()
    }
}

impl Verbosity {
    pub(super) fn new(
        filter: &str,
        apply: impl Fn(EnvFilter) -> bool + Send + Sync + 'static,
    ) -> Self {
        let (filter, apply) = (filter.to_owned(), Box::new(apply));
        Self { filter, is_raised: AtomicBool::new(false), apply }
    }

    /// Switches the filter, and returns the one that is now in force.
    pub fn switch(&self) -> String {
        let raise = !self.is_raised.load(Ordering::Relaxed);
        let filter =
            if raise { format!("{},specd=debug", self.filter) } else { self.filter.clone() };
        // Both have been parsed before; if one did not parse now, nothing would change.
        if EnvFilter::try_new(&filter).is_ok_and(|filter| (self.apply)(filter)) {
            self.is_raised.store(raise, Ordering::Relaxed);
        }
        filter
    }
}
