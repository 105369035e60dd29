//! Shared lookups of a tag that moves: every answer is one that the tag had during the call.

use crate::containerd::image::within;
use crate::containerd::on_each_release;
use crate::support::daemon::Daemon;
use containerd_client::Client;
use containerd_client::services::v1::{
    CreateImageRequest, Image as StoredImage, UpdateImageRequest,
};
use containerd_client::types::Descriptor;
use http::HeaderMap;
use specd::domain::ids::Namespace;
use specd::image::reference::ImageName;
use specd::store::containerd::{Containerd, Observer};
use specd::store::shared::Shared;
use specd::store::{Deadline, ImageStore};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tonic::Code;
use tracing::Span;

const NAMESPACE: &str = "here";
const TAG: &str = "registry.example/app:moves";
const CALLERS: usize = 64;
const MOVES: usize = 200;

/// A call: when it began and ended, and the number of the image that it wrote or read.
struct Call {
    began: Instant,
    ended: Instant,
    image: usize,
}

/// Counts the calls to containerd, and the most at one time.
#[derive(Default)]
struct Counted {
    all: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Observer for Counted {
    fn begins(&self, _: &Path, _: &str, _: &mut HeaderMap) -> Span {
        self.all.fetch_add(1, Ordering::SeqCst);
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        Span::none()
    }

    fn ended(&self, _: &str, _: Code, _: &Span) {
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The tag, pointing to the image of a number. containerd does not check that the blob exists.
fn tag(image: usize) -> Option<StoredImage> {
    let target = Descriptor {
        media_type: "application/vnd.oci.image.index.v1+json".to_owned(),
        digest: format!("sha256:{image:064x}"),
        size: 1,
        ..Descriptor::default()
    };
    Some(StoredImage { name: TAG.to_owned(), target: Some(target), ..StoredImage::default() })
}

async fn move_tag(client: &Client, image: usize) -> Call {
    let began = Instant::now();
    let request = UpdateImageRequest { image: tag(image), ..UpdateImageRequest::default() };
    client.images().update(within(NAMESPACE, request)).await.unwrap();
    Call { began, ended: Instant::now(), image }
}

async fn read_tag(store: &impl ImageStore) -> Call {
    let (namespace, name) = (Namespace::parse(NAMESPACE).unwrap(), ImageName::parse(TAG).unwrap());
    let began = Instant::now();
    let found = store.resolve(&namespace, &name, Deadline::NONE).await.unwrap();
    let ended = Instant::now();
    let hex = found.target.digest.as_str().trim_start_matches("sha256:").to_owned();
    Call { began, ended, image: usize::from_str_radix(&hex, 16).unwrap() }
}

/// Why no order of the calls explains the answers. `writes` is in order, the first is image 0.
fn find_stale(writes: &[Call], reads: &mut [Call]) -> Option<String> {
    for read in reads.iter() {
        if writes[read.image].began > read.ended {
            return Some(format!("image {} before it was written", read.image));
        }
        if writes.get(read.image + 1).is_some_and(|next| next.ended < read.began) {
            return Some(format!("image {} after it was replaced", read.image));
        }
    }
    // A read that began after another one had ended sees the same image or a later one.
    let mut by_end: Vec<(Instant, usize)> =
        reads.iter().map(|read| (read.ended, read.image)).collect();
    by_end.sort_unstable();
    reads.sort_by_key(|read| read.began);
    let (mut ended, mut newest) = (by_end.into_iter().peekable(), 0);
    for read in reads {
        while let Some((_, image)) = ended.next_if(|(end, _)| *end < read.began) {
            newest = newest.max(image);
        }
        if read.image < newest {
            return Some(format!("image {} after an earlier call saw {newest}", read.image));
        }
    }
    None
}

async fn check_moving_tag(daemon: &Daemon) {
    let client = daemon.client().await;
    let began = Instant::now();
    let create = CreateImageRequest { image: tag(0), source_date_epoch: None };
    client.images().create(within(NAMESPACE, create)).await.unwrap();
    let mut writes = vec![Call { began, ended: Instant::now(), image: 0 }];

    let counted = Arc::new(Counted::default());
    let store = Containerd::new(daemon.socket()).observed_by(counted.clone());
    let store = Arc::new(Shared::new(store));
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut reads = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    reads.push(read_tag(&*store).await);
                }
                reads
            })
        })
        .collect();
    for image in 1..=MOVES {
        writes.push(move_tag(&client, image).await);
        // Without a pause no lookup ends between two moves, and an answer that is too old would not be seen.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut reads = Vec::new();
    for caller in callers {
        reads.extend(caller.await.unwrap());
    }

    assert_eq!(find_stale(&writes, &mut reads), None);
    let mut seen: Vec<usize> = reads.iter().map(|read| read.image).collect();
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > MOVES / 4, "only {} images were seen", seen.len());
    let lookups = counted.all.load(Ordering::SeqCst);
    assert!(reads.len() > 8 * lookups, "{lookups} lookups for {} calls", reads.len());
    assert_eq!(counted.most.load(Ordering::SeqCst), 1);
}

on_each_release! {
    async fn no_answer_is_older_than_its_call(daemon: Daemon) {
        check_moving_tag(&daemon).await;
    }
}

#[test]
fn an_answer_that_is_too_old_is_found() {
    let start = Instant::now();
    let call = |began, ended, image| {
        let at = |millis| start + Duration::from_millis(millis);
        Call { began: at(began), ended: at(ended), image }
    };
    let writes = [call(0, 1, 0), call(10, 20, 1)];
    for (reads, stale) in [
        (vec![call(2, 5, 0), call(12, 30, 0), call(12, 30, 1), call(21, 30, 1)], None),
        (vec![call(2, 5, 1)], Some("image 1 before it was written")),
        (vec![call(21, 30, 0)], Some("image 0 after it was replaced")),
        (vec![call(14, 15, 0), call(11, 13, 1)], Some("image 0 after an earlier call saw 1")),
    ] {
        let mut reads = reads;
        assert_eq!(find_stale(&writes, &mut reads).as_deref(), stale);
    }
}
