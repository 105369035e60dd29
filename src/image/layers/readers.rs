//! Who may read layers, snapshots or large metadata now: few at a time, so that their memory and CPU time are bounded together.
//!
//! A reader takes up to [`SMALL_WINDOW_LOG`] for a zstd window. One that needs a larger one waits for the
//! only place of that kind. Namespaces take turns, so that many slow images of one do not hold up another.

use crate::domain::ids::Namespace;
use crate::image::ImageError;
use crate::store::{Deadline, StoreError};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The window of a zstd frame that every reader may use, as a power of two: 8 MiB, which every decoder must
/// support by RFC 8878.
pub(super) const SMALL_WINDOW_LOG: u32 = 23;

/// The places for readers of layers.
#[derive(Debug, Clone)]
pub struct LayerReaders {
    images: Arc<Places>,
    large_windows: Arc<Places>,
    metadata: Arc<Places>,
}

impl LayerReaders {
    /// So many images are read at a time.
    #[must_use]
    pub fn new(images: usize) -> Self {
        let places = Places::new;
        Self { images: places(images), large_windows: places(1), metadata: places(2) }
    }

    /// A place to read an image.
    pub(in crate::image) async fn image(
        &self,
        namespace: &Namespace,
        deadline: Deadline,
    ) -> Result<Place, ImageError> {
        self.images.take(namespace, deadline).await
    }

    /// A place to read and parse a large index, manifest or configuration.
    pub(in crate::image) async fn metadata(
        &self,
        namespace: &Namespace,
        deadline: Deadline,
    ) -> Result<Place, ImageError> {
        self.metadata.take(namespace, deadline).await
    }

    /// A place to read a layer with a large zstd window.
    pub(super) async fn large_window(
        &self,
        namespace: &Namespace,
        deadline: Deadline,
    ) -> Result<Place, ImageError> {
        self.large_windows.take(namespace, deadline).await
    }
}

impl Default for LayerReaders {
    /// One less than there are CPUs, from 2 to 4.
    fn default() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new((cpus - 1).clamp(2, 4))
    }
}

/// A number of places, with a queue for each namespace.
#[derive(Debug)]
struct Places(Mutex<Queues>);

#[derive(Debug)]
struct Queues {
    free: usize,
    /// The namespaces that wait, the next one first.
    waiting: VecDeque<(Namespace, VecDeque<oneshot::Sender<Place>>)>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(in crate::image) struct Place(Option<Arc<Places>>);

impl Places {
    fn new(free: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Queues { free, waiting: VecDeque::new() })))
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(
        self: &Arc<Self>,
        namespace: &Namespace,
        deadline: Deadline,
    ) -> Result<Place, ImageError> {
        let Err(turn) = self.take_or_queue(namespace) else {
            return Ok(Place(Some(Arc::clone(self))));
        };
        let late = || {
            let text = "no reader of images was free before the deadline".to_owned();
            ImageError::Store(StoreError::Unavailable(text))
        };
        let place = match deadline.time_left() {
            Some(left) => tokio::time::timeout(left, turn).await.map_err(|_| late())?,
            None => turn.await,
        };
        place.map_err(|_| late())
    }

    /// Takes a free place, or the end of the namespace's queue.
    fn take_or_queue(&self, namespace: &Namespace) -> Result<(), oneshot::Receiver<Place>> {
        let mut queues = self.queues();
        if queues.free > 0 {
            queues.free -= 1;
            return Ok(());
        }
        let (turn, wait) = oneshot::channel();
        match queues.waiting.iter_mut().find(|(waiting, _)| waiting == namespace) {
            Some((_, queue)) => queue.push_back(turn),
            None => queues.waiting.push_back((namespace.clone(), [turn].into())),
        }
        Err(wait)
    }
}

impl Queues {
    /// The next waiter: namespaces take turns.
    fn next(&mut self) -> Option<oneshot::Sender<Place>> {
        loop {
            let (namespace, mut queue) = self.waiting.pop_front()?;
            queue.retain(|turn| !turn.is_closed());
            let Some(turn) = queue.pop_front() else { continue };
            if !queue.is_empty() {
                self.waiting.push_back((namespace, queue));
            }
            return Some(turn);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(places) = self.0.take() else { return };
        let mut queues = places.queues();
        while let Some(turn) = queues.next() {
            match turn.send(Self(Some(Arc::clone(&places)))) {
                Ok(()) => return,
                // The waiter has left: the place is still this one.
                Err(mut unwanted) => unwanted.0 = None,
            }
        }
        queues.free += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn namespace(name: &str) -> Namespace {
        Namespace::parse(name).unwrap()
    }

    #[tokio::test]
    async fn namespaces_take_turns() {
        let readers = LayerReaders::new(1);
        let first = readers.image(&namespace("a"), Deadline::NONE).await.unwrap();
        let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
        for (name, number) in [("a", 1), ("a", 2), ("a", 3), ("b", 4)] {
            let (readers, done) = (readers.clone(), done.clone());
            tokio::spawn(async move {
                let place = readers.image(&namespace(name), Deadline::NONE).await.unwrap();
                done.send(number).unwrap();
                drop(place);
            });
            tokio::task::yield_now().await;
        }
        drop(first);
        let mut took = Vec::new();
        for _ in 0..4 {
            took.push(order.recv().await.unwrap());
        }
        assert_eq!(took, [1, 4, 2, 3]);
        assert_eq!(readers.images.queues().free, 1);
    }

    #[tokio::test]
    async fn a_waiter_leaves_with_its_deadline_and_its_turn_goes_on() {
        let readers = LayerReaders::new(1);
        let first = readers.image(&namespace("a"), Deadline::NONE).await.unwrap();
        let soon = Deadline::at(Instant::now() + Duration::from_millis(10));
        let late = readers.image(&namespace("b"), soon).await.unwrap_err();
        assert!(late.to_string().contains("before the deadline"), "{late}");
        drop(first);
        readers.image(&namespace("a"), Deadline::NONE).await.unwrap();
        assert_eq!(readers.images.queues().free, 1);
        assert!(readers.images.queues().waiting.is_empty());
    }
}
