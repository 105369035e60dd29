//! The deadline of the call that is being answered, for the stores that fetch on its behalf.

use std::time::{Duration, Instant};

/// When an answer is due, if it is at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No deadline: only the store's own timeouts apply.
    pub const NONE: Self = Self(None);

    /// Due at this moment.
    #[must_use]
    pub fn at(moment: Instant) -> Self {
        Self(Some(moment))
    }

    /// The later one of two deadlines. To have none is later than any.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        Self(self.0.zip(other.0).map(|(one, other)| one.max(other)))
    }

    /// How much time is left; absent without a deadline.
    #[must_use]
    pub fn time_left(self) -> Option<Duration> {
        self.0.map(|moment| moment.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_deadline_is_later_than_any() {
        let now = Instant::now();
        let (soon, later) = (Deadline::at(now), Deadline::at(now + Duration::from_secs(1)));
        assert_eq!((soon.later(later), later.later(soon)), (later, later));
        for other in [soon, Deadline::NONE] {
            assert_eq!(Deadline::NONE.later(other), Deadline::NONE);
            assert_eq!(other.later(Deadline::NONE), Deadline::NONE);
        }
    }

    #[test]
    fn what_is_left_ends_at_zero() {
        let now = Instant::now();
        assert_eq!(Deadline::NONE.time_left(), None);
        assert_eq!(Deadline::at(now).time_left(), Some(Duration::ZERO));
        let hour = Duration::from_secs(3600);
        let left = Deadline::at(now + hour).time_left().unwrap();
        assert!(left <= hour && left > hour / 2, "{left:?}");
    }
}
