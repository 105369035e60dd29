//! What a call asks of the source: names always, contents once.

use crate::api::{IMAGE, request, service};
use crate::support::layout::{Gzip, Layout, file};
use async_trait::async_trait;
use serde_json::json;
use specd::api::pb::specd::SpecService;
use specd::domain::ids::Namespace;
use specd::image::Descriptor;
use specd::image::reference::ImageName;
use specd::store::oci_layout::OciLayout;
use specd::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tonic::Request;

struct Counting {
    inner: OciLayout,
    names: AtomicUsize,
    blobs: AtomicUsize,
}

impl Counting {
    fn counts(&self) -> (usize, usize) {
        (self.names.load(Ordering::SeqCst), self.blobs.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl ImageStore for Counting {
    async fn resolve(
        &self,
        namespace: &Namespace,
        name: &ImageName,
        deadline: Deadline,
    ) -> Result<Resolved, StoreError> {
        self.names.fetch_add(1, Ordering::SeqCst);
        self.inner.resolve(namespace, name, deadline).await
    }

    async fn open(
        &self,
        namespace: &Namespace,
        blob: &Descriptor,
        deadline: Deadline,
    ) -> Result<BlobStream, StoreError> {
        self.blobs.fetch_add(1, Ordering::SeqCst);
        self.inner.open(namespace, blob, deadline).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}

fn counting() -> (Layout, Arc<Counting>) {
    let mut layout = Layout::temp();
    let layer = layout.layer(
        Gzip,
        &[file("etc/passwd", "app:x:7:8::/:/bin/sh\n"), file("etc/group", "media:x:9:app\n")],
    );
    let config =
        json!({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"], "User": "app"}});
    let image = layout.image(config, &[layer]);
    layout.tag(IMAGE, &image.manifest);
    let inner = layout.source();
    let source = Counting { inner, names: AtomicUsize::new(0), blobs: AtomicUsize::new(0) };
    (layout, Arc::new(source))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_call_asks_for_the_name_and_nothing_else() {
    let (_layout, source) = counting();
    let service = service(source.clone());
    let cold = service.generate(Request::new(request("default"))).await.unwrap().into_inner();
    assert_eq!(source.counts(), (1, 3), "the manifest, the configuration and one layer");
    for warm in 2..10 {
        let again = service.generate(Request::new(request("default"))).await.unwrap().into_inner();
        assert_eq!(again, cold);
        assert_eq!(source.counts(), (warm, 3));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_cold_calls_read_each_blob_once() {
    let (_layout, source) = counting();
    let service = Arc::new(service(source.clone()));
    let calls = (0..50).map(|_| {
        let service = Arc::clone(&service);
        tokio::spawn(async move { service.generate(Request::new(request("default"))).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(source.counts(), (50, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_namespace_read_another_does_not_see() {
    let (_layout, source) = counting();
    let service = service(source.clone());
    service.generate(Request::new(request("one"))).await.unwrap();
    service.generate(Request::new(request("two"))).await.unwrap();
    assert_eq!(source.counts(), (2, 6));
}
