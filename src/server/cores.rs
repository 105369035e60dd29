//! The runtimes of connections, one for each CPU.
//!
//! A connection and its calls stay on the thread of one runtime. On threads that share their tasks, a call wakes other threads
//! several times, which costs more than the call.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::{Builder, Handle, Runtime};

/// After so many polls of tasks a thread looks for events of sockets. The default of 61 takes tens of milliseconds while connections
/// flood it.
const EVENT_INTERVAL: u32 = 16;

/// A runtime of one thread for each CPU.
#[derive(Debug)]
pub struct Runtimes {
    /// That of the accept loops.
    main: Runtime,
    others: Vec<Runtime>,
}

impl Runtimes {
    /// Starts them.
    ///
    /// # Errors
    ///
    /// The error of the system.
    pub fn start() -> io::Result<Self> {
        let start = || {
            Builder::new_multi_thread()
                .worker_threads(1)
                .event_interval(EVENT_INTERVAL)
                .enable_all()
                .build()
        };
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let others = (1..cpus).map(|_| start()).collect::<io::Result<_>>()?;
        Ok(Self { main: start()?, others })
    }

    /// Their places for connections.
    #[must_use]
    pub fn cores(&self) -> Cores {
        Cores::new(self.others.iter().map(|runtime| runtime.handle().clone()))
    }

    /// Does some work, and stops.
    pub fn run<T>(self, work: impl Future<Output = T>) -> T {
        let done = self.main.block_on(work);
        // A thread that still decompresses must not delay the exit.
        for runtime in self.others.into_iter().chain([self.main]) {
            runtime.shutdown_background();
        }
        done
    }
}

/// The runtimes, each with the number of its connections. The first is that of the accept loops.
#[derive(Debug, Clone)]
pub struct Cores(Arc<[(Option<Handle>, AtomicUsize)]>);

impl Default for Cores {
    fn default() -> Self {
        Self::new([])
    }
}

impl Cores {
    /// The runtime of the accept loops and these.
    #[must_use]
    pub fn new(others: impl IntoIterator<Item = Handle>) -> Self {
        let all = std::iter::once(None).chain(others.into_iter().map(Some));
        Self(all.map(|handle| (handle, AtomicUsize::new(0))).collect())
    }

    /// A place on the runtime with the fewest connections.
    pub(super) fn place(&self) -> Core {
        let counts = self.0.iter().map(|(_, count)| count.load(Ordering::Relaxed));
        let at = counts.enumerate().min_by_key(|(_, count)| *count).map_or(0, |(at, _)| at);
        self.0[at].1.fetch_add(1, Ordering::Relaxed);
        Core { cores: self.clone(), at }
    }
}

/// The place of a connection on a runtime.
#[derive(Debug)]
pub(super) struct Core {
    cores: Cores,
    at: usize,
}

impl Core {
    /// The runtime.
    pub(super) fn handle(&self) -> Handle {
        self.cores.0[self.at].0.clone().unwrap_or_else(Handle::current)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.cores.0[self.at].1.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_gets_the_runtime_with_the_fewest() {
        let runtimes =
            [(); 3].map(|()| Builder::new_multi_thread().worker_threads(1).build().unwrap());
        let [main, others @ ..] = &runtimes;
        let _entered = main.enter();
        let cores = Cores::new(others.iter().map(|runtime| runtime.handle().clone()));
        let mut places: Vec<Core> = (0..6).map(|_| cores.place()).collect();
        let ids = |places: &[Core]| places.iter().map(|it| it.handle().id()).collect::<Vec<_>>();
        let all: Vec<_> = runtimes.iter().map(|runtime| runtime.handle().id()).collect();
        assert_eq!(ids(&places), [all.clone(), all.clone()].concat());
        drop(places.remove(1));
        assert_eq!(cores.place().handle().id(), all[1]);
    }
}
