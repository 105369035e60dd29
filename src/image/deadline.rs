//! When the call that is being answered must be done, for whoever fetches on its behalf.
//!
//! It travels with the task and not as an argument: the traits between the call and containerd are about
//! images, and none of what stands behind them would do anything with it but hand it on.

use std::time::{Duration, Instant};

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Does some work whose fetching is to be done by then. It does not end the work.
pub async fn by<W: Future>(deadline: Instant, work: W) -> W::Output {
    DEADLINE.scope(deadline, work).await
}

/// How much time is left, where there is a deadline.
#[must_use]
pub fn left() -> Option<Duration> {
    DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_left_is_known_within_and_not_outside() {
        assert_eq!(left(), None);
        let minute = Duration::from_secs(60);
        let inside = by(Instant::now() + minute, async { left() }).await.unwrap();
        assert!(inside > Duration::ZERO && inside <= minute);
        assert_eq!(by(Instant::now() - minute, async { left() }).await, Some(Duration::ZERO));
    }
}
