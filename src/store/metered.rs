//! Reports what is read from another store, for a progress display.

use crate::domain::ids::Namespace;
use crate::image::Descriptor;
use crate::image::reference::ImageName;
use crate::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use async_trait::async_trait;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// Called for each piece of a blob that is read, with the blob and the number of bytes.
pub type Report = Arc<dyn Fn(&Descriptor, u64) + Send + Sync>;

/// An [`ImageStore`] that reports what is read from another one.
///
/// Data embedded in a descriptor is not read from a store, and not reported.
pub struct Metered<S> {
    store: S,
    report: Report,
}

impl<S> Metered<S> {
    /// Reports what is read from `store`.
    pub fn new(store: S, report: Report) -> Self {
        Self { store, report }
    }
}

#[async_trait]
impl<S: ImageStore> ImageStore for Metered<S> {
    async fn resolve(
        &self,
        namespace: &Namespace,
        name: &ImageName,
        deadline: Deadline,
    ) -> Result<Resolved, StoreError> {
        self.store.resolve(namespace, name, deadline).await
    }

    async fn open(
        &self,
        namespace: &Namespace,
        blob: &Descriptor,
        deadline: Deadline,
    ) -> Result<BlobStream, StoreError> {
        let stream = self.store.open(namespace, blob, deadline).await?;
        let (report, blob) = (Arc::clone(&self.report), blob.clone());
        Ok(Box::pin(MeteredStream { stream, report, blob }))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

struct MeteredStream {
    stream: BlobStream,
    report: Report,
    blob: Descriptor,
}

impl AsyncRead for MeteredStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(self.stream.as_mut().poll_read(cx, buf))?;
        let fresh = buf.filled().len() - before;
        if fresh > 0 {
            (self.report)(&self.blob, fresh as u64);
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::digest::Digest;
    use std::sync::Mutex;
    use tokio::io::AsyncReadExt;

    struct Fixed;

    #[async_trait]
    impl ImageStore for Fixed {
        async fn resolve(
            &self,
            _: &Namespace,
            name: &ImageName,
            _: Deadline,
        ) -> Result<Resolved, StoreError> {
            Err(StoreError::ImageNotFound { tried: name.candidates(), hint: String::new() })
        }

        async fn open(
            &self,
            _: &Namespace,
            _: &Descriptor,
            _: Deadline,
        ) -> Result<BlobStream, StoreError> {
            Ok(Box::pin(io::Cursor::new(vec![7; 10_000])))
        }

        async fn ping(&self) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn every_byte_is_reported_once() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let report: Report = Arc::new(move |blob: &Descriptor, bytes| {
            log.lock().unwrap().push((blob.size, bytes));
        });
        let store = Metered::new(Fixed, report);
        let namespace = Namespace::parse("default").unwrap();
        let digest = Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap();
        let blob = Descriptor {
            media_type: String::new(),
            digest,
            size: 10_000,
            data: None,
            platform: None,
        };
        let mut stream = store.open(&namespace, &blob, Deadline::NONE).await.unwrap();
        let (mut first, mut rest) = ([0; 100], Vec::new());
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), [(10_000, 100)]);
        stream.read_to_end(&mut rest).await.unwrap();
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen.iter().map(|(_, bytes)| bytes).sum::<u64>(), 10_000);
        assert!(seen.iter().all(|(size, bytes)| *size == 10_000 && *bytes > 0));
        assert_eq!(store.ping().await, Ok(()));
        let name = ImageName::parse("docker.io/library/a:1").unwrap();
        let tried = name.candidates();
        let answer = store.resolve(&namespace, &name, Deadline::NONE).await;
        assert_eq!(answer, Err(StoreError::ImageNotFound { tried, hint: String::new() }));
    }
}
