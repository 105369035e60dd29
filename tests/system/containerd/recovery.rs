//! A daemon that goes, and comes back, under one and the same source.

use crate::containerd::image::{Blob, store};
use crate::containerd::on_each_release;
use crate::containerd::serve::Served;
use specd::api::pb::specd::GenerateRequest;
use specd::domain::ids::Namespace;
use specd::image::blob::broken_off;
use specd::image::digest::Digest;
use specd::image::{Descriptor, ImageError};
use specd::store::containerd::Containerd;
use specd::store::{Deadline, ImageStore, StoreError};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tonic::Code;

/// Long for a source that dials anew at each call, which it should do at once.
const PATIENCE: Duration = Duration::from_secs(10);

fn is_unavailable(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

on_each_release! {
    async fn a_source_outlives_its_daemon(daemon: Daemon) {
        let source = Containerd::new(daemon.socket());
        assert_eq!(source.ping().await, Ok(()));
        for ending in [Daemon::stop, Daemon::kill] {
            ending(&mut daemon);
            for _ in 0..3 {
                let gone = source.ping().await;
                assert!(is_unavailable(&gone), "{gone:?}");
            }
            daemon.start_again().await;
            let begun = Instant::now();
            while let Err(error) = source.ping().await {
                assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
                assert!(begun.elapsed() < PATIENCE, "{error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// The time that containerd has for an answer.
const CONTAINERD_WITHIN: Duration = Duration::from_secs(10);

/// Two seconds are promised; as many again are for a machine that is busy with other things.
const READINESS_WITHIN: Duration = Duration::from_secs(4);

on_each_release! {
    async fn readiness_follows_containerd_within_two_seconds_both_ways(daemon: Daemon) {
        let served = Served::start(&daemon).await;
        let mut readiness = served.readiness().await;
        readiness.becomes(true).await;
        for ending in [Daemon::stop, Daemon::kill] {
            ending(&mut daemon);
            let gone = Instant::now();
            readiness.becomes(false).await;
            assert!(gone.elapsed() < READINESS_WITHIN, "not ready after {:?}", gone.elapsed());

            daemon.start_again().await;
            let back = Instant::now();
            readiness.becomes(true).await;
            assert!(back.elapsed() < READINESS_WITHIN, "ready after {:?}", back.elapsed());
        }
    }
}

on_each_release! {
    async fn calls_fail_at_once_while_a_stopped_containerd_does_not_answer(daemon: Daemon) {
        let served = Served::start(&daemon).await;
        served.wait_until_ready(true).await;
        let mut client = served.client().await;
        let request = || GenerateRequest {
            image: "registry.example/none:1".to_owned(),
            namespace: "here".to_owned(),
            id: "web-1".to_owned(),
            ..GenerateRequest::default()
        };
        assert_eq!(client.generate(request()).await.unwrap_err().code(), Code::NotFound);
        daemon.freeze();
        // One that waits when it is noticed, and one that comes later.
        for _ in 0..2 {
            let begun = Instant::now();
            let status = client.generate(request()).await.unwrap_err();
            assert_eq!(status.code(), Code::Unavailable, "{status}");
            assert!(begun.elapsed() < CONTAINERD_WITHIN, "{:?}", begun.elapsed());
        }
        daemon.thaw();
        served.wait_until_ready(true).await;
        assert_eq!(client.generate(request()).await.unwrap_err().code(), Code::NotFound);
    }
}

on_each_release! {
    async fn a_blob_in_the_middle_breaks_off(daemon: Daemon) {
        // Far more than both ends and the kernel hold for a reader who pauses.
        let large = Blob::new("application/octet-stream", b"specd\n42".repeat(2 << 20));
        store(&daemon, "here", &large).await;
        let blob = Descriptor {
            media_type: large.media_type.to_owned(),
            digest: Digest::parse(&large.digest).unwrap(),
            size: large.bytes.len() as u64,
            data: None,
            platform: None,
        };
        let source = Containerd::new(daemon.socket());
        let mut stream = source.open(&Namespace::parse("here").unwrap(), &blob, Deadline::NONE).await.unwrap();
        let mut start = [0; 512];
        stream.read_exact(&mut start).await.unwrap();
        assert!(large.bytes.starts_with(&start));

        daemon.kill();
        let mut rest = Vec::new();
        let broken = stream.read_to_end(&mut rest).await.map_err(broken_off);
        let Err(ImageError::Store(StoreError::Unavailable(text))) = broken else {
            panic!("{broken:?} after {} of {}", rest.len(), blob.size);
        };
        assert!(text.contains("Content.Read"), "{text}");
    }
}
