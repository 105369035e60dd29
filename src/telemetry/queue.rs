//! A bounded queue of log lines, with a thread of its own that writes them.
//!
//! Invariant: logging never waits for the reader of the log. If the reader stops, the queue fills up and further
//! lines are dropped and counted.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The largest size of all queued lines, in bytes.
const QUEUED_BYTES: usize = 256 << 10;

/// The queue. All clones share it.
#[derive(Debug, Clone, Default)]
pub struct LogQueue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    is_writing: bool,
}

impl LogQueue {
    /// Starts the thread that writes the lines.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Self::default();
        let writer = queue.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.write_to(output))?;
        Ok(queue)
    }

    /// How many lines were dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all lines are written, but not longer than a time.
    pub fn finish(&self, within: Duration) {
        let until = Instant::now() + within;
        let mut state = self.lock();
        while !state.lines.is_empty() || state.is_writing {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut output: impl Write) {
        let mut reported = 0;
        loop {
            let line = self.next();
            // If nobody can read the log, nothing can be reported.
            let _ = output.write_all(&line);
            self.lock().is_writing = false;
            self.0.changed.notify_all();
            let dropped = self.dropped();
            // The report needs room in the queue, or its number would be lost.
            let has_room = self.lock().bytes < QUEUED_BYTES / 2;
            if dropped > reported && has_room {
                let lines = dropped - reported;
                tracing::warn!(lines, "log lines were dropped, because the log was not read");
                reported = dropped;
            }
        }
    }

    /// Waits for a line and takes it.
    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                state.is_writing = true;
                return line;
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// One write is one line.
impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        if state.bytes + line.len() > QUEUED_BYTES {
            drop(state);
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(line.len());
        }
        state.bytes += line.len();
        state.lines.push_back(line.to_owned());
        drop(state);
        self.0.changed.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// An output that waits before each write until the test lets it continue.
    struct Gated(Receiver<()>, Sender<Vec<u8>>);

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            self.1.send(bytes.to_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_beyond_the_bound_are_dropped_and_counted_and_the_others_are_written_in_order() {
        let ((open, gate), (output, written)) = (channel(), channel());
        let mut queue = LogQueue::start(Gated(gate, output)).unwrap();
        let line = |number: u8| vec![number; 75_000];
        for number in 0..5 {
            queue.write_all(&line(number)).unwrap();
        }
        // One may have left the queue for the thread.
        let dropped = queue.dropped();
        assert!((1..=2).contains(&dropped), "{dropped}");
        let started = Instant::now();
        queue.finish(Duration::from_millis(50));
        assert!(started.elapsed() >= Duration::from_millis(50));
        let kept = 5 - u8::try_from(dropped).unwrap();
        for number in 0..kept {
            open.send(()).unwrap();
            assert_eq!(written.recv().unwrap()[0], number);
        }
        queue.finish(Duration::from_secs(60));
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
