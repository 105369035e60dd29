//! Remembers the defaults of namespaces for a few seconds, so that a warm call asks for no namespace.
//!
//! Invariant: an error is never remembered.

use crate::domain::ids::Namespace;
use crate::store::{Deadline, NamespaceDefaults, NamespaceStore, SnapshotError};
use async_trait::async_trait;
use moka::future::Cache;
use std::sync::Arc;
use std::time::Duration;

/// How long the defaults of a namespace are remembered, unless a test says otherwise.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// The most namespaces that are remembered. Each takes at most two labels.
const NAMESPACES: u64 = 1000;

/// A [`NamespaceStore`] that remembers the answers of another one.
pub struct Remembered<S> {
    store: S,
    answers: Cache<Namespace, Arc<NamespaceDefaults>>,
}

impl<S: NamespaceStore> Remembered<S> {
    /// Remembers each answer of `store` for that long.
    pub fn new(store: S, time_to_live: Duration) -> Self {
        let answers = Cache::builder().max_capacity(NAMESPACES).time_to_live(time_to_live).build();
        Self { store, answers }
    }
}

#[async_trait]
impl<S: NamespaceStore> NamespaceStore for Remembered<S> {
    async fn defaults(
        &self,
        namespace: &Namespace,
        deadline: Deadline,
    ) -> Result<Arc<NamespaceDefaults>, SnapshotError> {
        if let Some(defaults) = self.answers.get(namespace).await {
            return Ok(defaults);
        }
        let defaults = self.store.defaults(namespace, deadline).await?;
        self.answers.insert(namespace.clone(), Arc::clone(&defaults)).await;
        Ok(defaults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Fails at first, then answers with the number of the lookup as the runtime.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl NamespaceStore for Arc<Counting> {
        async fn defaults(
            &self,
            _: &Namespace,
            _: Deadline,
        ) -> Result<Arc<NamespaceDefaults>, SnapshotError> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Err(StoreError::Unavailable("at first".to_owned()).into()),
                count => {
                    let runtime = Some(count.to_string());
                    Ok(Arc::new(NamespaceDefaults { runtime, ..NamespaceDefaults::default() }))
                }
            }
        }
    }

    #[tokio::test]
    async fn an_answer_is_remembered_for_a_while_and_an_error_is_not() {
        let counting = Arc::<Counting>::default();
        let remembered = Remembered::new(Arc::clone(&counting), Duration::from_millis(500));
        let runtime = async |name| {
            let namespace = Namespace::parse(name).unwrap();
            let defaults = remembered.defaults(&namespace, Deadline::NONE).await;
            defaults.map(|defaults| defaults.runtime.clone().unwrap())
        };
        runtime("a").await.unwrap_err();
        assert_eq!((runtime("a").await, runtime("b").await), (Ok("1".into()), Ok("2".into())));
        assert_eq!((runtime("a").await, runtime("b").await), (Ok("1".into()), Ok("2".into())));
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(runtime("a").await, Ok("3".into()));
        assert_eq!(counting.0.load(Ordering::SeqCst), 4);
    }
}
