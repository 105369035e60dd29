//! What a call asks of the source: names always, contents once. And what it answers: the same as a server without a cache.

use crate::api::{IMAGE, request, service};
use crate::support::fuzz::cases;
use crate::support::layout::{Gzip, Layout, file};
use crate::support::received;
use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::json;
use specd::api::pb::specd::GenerateRequest;
use specd::domain::ids::Namespace;
use specd::image::Descriptor;
use specd::image::reference::ImageName;
use specd::store::oci_layout::OciLayout;
use specd::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let cold = received::generate(&service, &request("default")).await.unwrap();
    assert_eq!(source.counts(), (1, 3), "the manifest, the configuration and one layer");
    for warm in 2..10 {
        let again = received::generate(&service, &request("default")).await.unwrap();
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
        tokio::spawn(async move { received::generate(&service, &request("default")).await })
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
    for namespace in ["one", "one", "one", "two"] {
        received::generate(&service, &request(namespace)).await.unwrap();
    }
    assert_eq!(source.counts(), (4, 6));
}

/// A step of a server's life: a tag moves, or a call is made.
#[derive(Debug, Clone)]
enum Step {
    Tag { name: usize, image: usize },
    Call { name: usize, namespace: usize, id: &'static str },
}

fn step() -> impl Strategy<Value = Step> {
    // Two of the same shape.
    let ids = prop::sample::select(&["web-1", "api-2", "0123456789abcdef"][..]);
    prop_oneof![
        1 => (0_usize..2, 0_usize..4).prop_map(|(name, image)| Step::Tag { name, image }),
        9 => (0_usize..2, 0_usize..2, ids)
            .prop_map(|(name, namespace, id)| Step::Call { name, namespace, id }),
    ]
}

/// Images that differ in their users, one of which is absent and one of which needs no files.
fn images(layout: &Layout) -> Vec<crate::support::layout::Blob> {
    let users = [("app", "7"), ("app", "8"), ("ghost", "7"), ("1000:1000", "7")];
    let images = users.map(|(user, uid)| {
        let passwd = format!("app:x:{uid}:{uid}::/:/bin/sh\n");
        let group = format!("media:x:9:app\nother:x:{uid}:app\n");
        let layer = layout.layer(Gzip, &[file("etc/passwd", passwd), file("etc/group", group)]);
        let config = json!({"config": {"Cmd": ["x"], "User": user}});
        layout.image(config, &[layer]).manifest
    });
    images.to_vec()
}

proptest! {
    #![proptest_config(cases(64))]

    /// Whatever was asked before and whichever tags have moved, a warm server answers as one that has just started.
    #[test]
    fn fuzzed_calls_are_answered_alike_warm_and_cold(steps in prop::collection::vec(step(), 1..32)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut layout = Layout::temp();
        let images = images(&layout);
        let name = |number: usize| format!("registry.example/app-{number}:1");
        for (number, image) in images.iter().take(2).enumerate() {
            layout.tag(&name(number), image);
        }
        let warm = service(layout.source());
        for step in steps {
            match step {
                Step::Tag { name: number, image } => layout.tag(&name(number), &images[image]),
                Step::Call { name: number, namespace, id } => {
                    let request = GenerateRequest {
                        image: name(number),
                        id: id.to_owned(),
                        ..request(&format!("namespace-{namespace}"))
                    };
                    let [warm, cold] = [&warm, &service(layout.source())].map(|service| {
                        let answer = runtime.block_on(received::generate(service, &request));
                        answer.map_err(|status| (status.code(), status.message().to_owned()))
                    });
                    prop_assert_eq!(warm, cold);
                }
            }
        }
    }
}
