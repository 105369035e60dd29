//! Shared lookups over a store that counts and waits.

use super::*;
use crate::image::digest::Digest;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// A store in which each lookup waits for a permit, and answers with the number of lookups that had begun.
#[derive(Default)]
struct Counting {
    begun: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
    deadlines: Mutex<Vec<Deadline>>,
    gate: Option<Semaphore>,
    panics: bool,
}

struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ImageStore for Arc<Counting> {
    async fn resolve(
        &self,
        _: &Namespace,
        name: &ImageName,
        deadline: Deadline,
    ) -> Result<Resolved, StoreError> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        let _running = Running(&self.running);
        self.most.fetch_max(running, Ordering::SeqCst);
        self.deadlines.lock().unwrap().push(deadline);
        match &self.gate {
            Some(gate) => gate.acquire().await.unwrap().forget(),
            None => tokio::task::yield_now().await,
        }
        assert!(!self.panics, "as the test wants");
        let digest = Digest::parse(&format!("sha256:{number:064x}")).unwrap();
        let media_type = String::new();
        let target = Descriptor { media_type, digest, size: 1, data: None, platform: None };
        Ok(Resolved { name: name.as_str().to_owned(), target })
    }

    async fn open(
        &self,
        _: &Namespace,
        blob: &Descriptor,
        _: Deadline,
    ) -> Result<BlobStream, StoreError> {
        Err(StoreError::BlobAbsent { digest: blob.digest.clone() })
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Fixture {
    counting: Arc<Counting>,
    shared: Arc<Shared<Arc<Counting>>>,
}

impl Fixture {
    fn new(counting: Counting) -> Self {
        let counting = Arc::new(counting);
        Self { shared: Arc::new(Shared::new(Arc::clone(&counting))), counting }
    }

    fn gated() -> Self {
        Self::new(Counting { gate: Some(Semaphore::new(0)), ..Counting::default() })
    }

    fn call(&self, namespace: &str, name: &str, deadline: Deadline) -> JoinHandle<Answer> {
        let shared = Arc::clone(&self.shared);
        let (namespace, name) = (Namespace::parse(namespace), ImageName::parse(name));
        let (namespace, name) = (namespace.unwrap(), name.unwrap());
        tokio::spawn(async move { shared.resolve(&namespace, &name, deadline).await })
    }

    fn permit(&self, lookups: usize) {
        self.counting.gate.as_ref().unwrap().add_permits(lookups);
    }

    fn begun(&self) -> usize {
        self.counting.begun.load(Ordering::SeqCst)
    }

    async fn wait_until(&self, reached: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !reached(self) {
            assert!(Instant::now() < deadline, "{} begun", self.begun());
            tokio::task::yield_now().await;
        }
    }

    /// Lets every task run until it waits. The runtime has one thread.
    async fn settle(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

/// The number of the lookup that answered.
fn number(answer: &Answer) -> u64 {
    let digest = &answer.as_ref().unwrap().target.digest;
    let (_, hex) = digest.as_str().split_once(':').unwrap();
    u64::from_str_radix(hex.trim_start_matches('0'), 16).unwrap()
}

#[tokio::test]
async fn the_callers_of_a_running_lookup_share_the_next_one() {
    let fixture = Fixture::gated();
    let first = fixture.call("a", "app", Deadline::NONE);
    fixture.wait_until(|fixture| fixture.begun() == 1).await;
    let later: Vec<_> = (0..1000).map(|_| fixture.call("a", "app", Deadline::NONE)).collect();
    fixture.settle().await;
    assert_eq!(fixture.begun(), 1);
    fixture.permit(2);
    assert_eq!(number(&first.await.unwrap()), 1);
    for caller in later {
        assert_eq!(number(&caller.await.unwrap()), 2);
    }
    fixture.settle().await;
    assert_eq!(fixture.begun(), 2);
    assert!(lock(&fixture.shared.batches).is_empty(), "a name is kept");
}

#[tokio::test]
async fn calls_that_arrive_one_after_the_other_share_a_lookup() {
    let fixture = Fixture::new(Counting::default());
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.extend((0..20).map(|_| fixture.call("a", "app", Deadline::NONE)));
        tokio::task::yield_now().await;
    }
    for call in calls {
        assert_eq!(number(&call.await.unwrap()), 1);
    }
    assert_eq!(fixture.begun(), 1);
}

#[tokio::test]
async fn names_and_namespaces_are_looked_up_apart() {
    let fixture = Fixture::gated();
    let calls = [("a", "app"), ("b", "app"), ("a", "other")];
    let calls = calls.map(|(namespace, name)| fixture.call(namespace, name, Deadline::NONE));
    fixture.wait_until(|fixture| fixture.begun() == 3).await;
    fixture.permit(3);
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_fail_the_others() {
    let fixture = Fixture::gated();
    let leaves = fixture.call("a", "app", Deadline::NONE);
    let stays = fixture.call("a", "app", Deadline::NONE);
    fixture.wait_until(|fixture| fixture.begun() == 1).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    fixture.permit(1);
    assert_eq!(number(&stays.await.unwrap()), 1);
}

#[tokio::test]
async fn a_lookup_that_all_callers_have_left_is_cancelled() {
    let fixture = Fixture::gated();
    let leave = [0, 1].map(|_| fixture.call("a", "app", Deadline::NONE));
    fixture.wait_until(|fixture| fixture.begun() == 1).await;
    for caller in leave {
        caller.abort();
    }
    fixture.wait_until(|fixture| fixture.counting.running.load(Ordering::SeqCst) == 0).await;
    fixture.permit(1);
    let later = fixture.call("a", "app", Deadline::NONE);
    assert_eq!(number(&later.await.unwrap()), 2);
}

#[tokio::test]
async fn a_lookup_has_the_latest_deadline_of_its_callers() {
    let fixture = Fixture::gated();
    let now = Instant::now();
    let [soon, late] = [1, 3600].map(|seconds| Deadline::at(now + Duration::from_secs(seconds)));
    let calls = [soon, late, soon].map(|deadline| fixture.call("a", "app", deadline));
    fixture.wait_until(|fixture| fixture.begun() == 1).await;
    fixture.permit(1);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(*fixture.counting.deadlines.lock().unwrap(), [late]);
}

#[tokio::test]
async fn a_short_deadline_ends_its_own_call_alone() {
    let fixture = Fixture::gated();
    let stays = fixture.call("a", "app", Deadline::NONE);
    let short = fixture.call("a", "app", Deadline::at(Instant::now() + Duration::from_millis(20)));
    let error = "the image was not looked up before the deadline".to_owned();
    assert_eq!(short.await.unwrap(), Err(StoreError::Unavailable(error)));
    fixture.permit(1);
    assert_eq!(number(&stays.await.unwrap()), 1);
}

#[tokio::test]
async fn a_lookup_that_panics_is_an_error_and_the_next_call_starts_afresh() {
    let fixture = Fixture::new(Counting { panics: true, ..Counting::default() });
    for begun in 1..=2 {
        let answer = fixture.call("a", "app", Deadline::NONE).await.unwrap();
        assert_eq!(answer, Err(StoreError::Unavailable(NO_ANSWER.to_owned())));
        assert_eq!(fixture.begun(), begun);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_one_lookup_runs_at_a_time() {
    let fixture = Fixture::new(Counting::default());
    let calls: Vec<_> = (0..10_000).map(|_| fixture.call("a", "app", Deadline::NONE)).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(fixture.counting.most.load(Ordering::SeqCst), 1);
}
