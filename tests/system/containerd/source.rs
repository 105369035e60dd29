//! specd's containerd source against real ones.

use crate::containerd::image::{Blob, busybox, within};
use crate::containerd::on_each_release;
use containerd_client::services::v1::DeleteContentRequest;
use specd::domain::ids::Namespace;
use specd::image::Descriptor;
use specd::image::blob;
use specd::image::digest::Digest;
use specd::image::reference::ImageName;
use specd::store::containerd::Containerd;
use specd::store::{Deadline, ImageStore, StoreError};
use tokio::io::AsyncReadExt as _;

const STORED: &str = "docker.io/library/busybox:tested";

fn namespace(text: &str) -> Namespace {
    Namespace::parse(text).unwrap()
}

fn name(text: &str) -> ImageName {
    ImageName::parse(text).unwrap()
}

fn descriptor(blob: &Blob) -> Descriptor {
    Descriptor {
        media_type: blob.media_type.to_owned(),
        digest: Digest::parse(&blob.digest).unwrap(),
        size: blob.bytes.len() as u64,
        data: None,
        platform: None,
    }
}

on_each_release! {
    async fn an_image_is_found_by_its_stored_name_and_by_its_familiar_one(daemon: Daemon) {
        let image = busybox();
        image.import(&daemon, "here", STORED).await;
        let source = Containerd::new(daemon.socket());
        assert_eq!(source.ping().await, Ok(()));
        for asked in [STORED, "busybox:tested", "library/busybox:tested"] {
            let found = source.resolve(&namespace("here"), &name(asked), Deadline::NONE).await.unwrap();
            assert_eq!((found.name.as_str(), &found.target), (STORED, &descriptor(&image.index)));
        }

        let absent = source.resolve(&namespace("here"), &name("busybox"), Deadline::NONE).await;
        let tried = vec!["busybox".to_owned(), "docker.io/library/busybox:latest".to_owned()];
        let hint = format!("; namespace here has {STORED}");
        assert_eq!(absent, Err(StoreError::ImageNotFound { tried, hint }));
        let elsewhere = source.resolve(&namespace("elsewhere"), &name(STORED), Deadline::NONE).await;
        let tried = vec![STORED.to_owned()];
        let hint = "; namespace elsewhere does not exist, containerd has here".to_owned();
        assert_eq!(elsewhere, Err(StoreError::ImageNotFound { tried, hint }));
    }
}

on_each_release! {
    async fn blobs_are_read_whole_or_are_absent(daemon: Daemon) {
        let image = busybox();
        image.import(&daemon, "here", STORED).await;
        let source = Containerd::new(daemon.socket());
        let here = namespace("here");
        let large = &image.layers[0].blob;
        assert!(large.bytes.len() > 1 << 20, "one chunk would do for {}", large.bytes.len());
        for blob in [large, &image.layers[1].blob, &image.config, &image.manifest, &image.index] {
            let mut opened = blob::open(&source, &here, &descriptor(blob), Deadline::NONE).await.unwrap();
            let mut read = Vec::new();
            opened.read_to_end(&mut read).await.unwrap();
            assert!(read == blob.bytes, "{}", blob.digest);
        }

        let absent = |blob: &Blob| StoreError::BlobAbsent { digest: descriptor(blob).digest };
        let elsewhere = source.open(&namespace("elsewhere"), &descriptor(large), Deadline::NONE).await;
        assert_eq!(elsewhere.err(), Some(absent(large)));

        let delete = DeleteContentRequest { digest: large.digest.clone() };
        daemon.client().await.content().delete(within("here", delete)).await.unwrap();
        let removed = source.open(&here, &descriptor(large), Deadline::NONE).await;
        assert_eq!(removed.err(), Some(absent(large)));
        assert!(source.open(&here, &descriptor(&image.config), Deadline::NONE).await.is_ok());
    }
}
