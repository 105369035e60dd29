//! The limit of log lines that a refused peer can cause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most a number of lines within one second.
#[derive(Debug)]
pub(super) struct LogLimit {
    lines: u32,
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    since: Instant,
    logged: u32,
    left_out: u64,
}

impl LogLimit {
    pub(super) const fn new(lines: u32) -> Self {
        Self { lines, state: Mutex::new(None) }
    }

    /// Returns whether a line may be logged, with the number of lines that were left out before it.
    pub(super) fn admit(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let state = state.get_or_insert(State { since: now, logged: 0, left_out: 0 });
        if now.duration_since(state.since) >= Duration::from_secs(1) {
            (state.since, state.logged) = (now, 0);
        }
        if state.logged == self.lines {
            state.left_out += 1;
            return None;
        }
        state.logged += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

impl Default for LogLimit {
    fn default() -> Self {
        Self::new(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_limit_are_counted_and_reported_with_the_next_one() {
        let limit = LogLimit::new(2);
        assert_eq!((limit.admit(), limit.admit(), limit.admit()), (Some(0), Some(0), None));
        assert_eq!(limit.admit(), None);
        std::thread::sleep(Duration::from_millis(1050));
        assert_eq!((limit.admit(), limit.admit(), limit.admit()), (Some(2), Some(0), None));
    }
}
