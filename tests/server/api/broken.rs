//! Images that are broken: each gets its code, its reason and the digest that is at fault.

use crate::api::{IMAGE, request, service};
use crate::support::layout::{Blob, Gzip, Image, Layout, Plain, file};
use serde_json::json;
use specd::api::pb::specd::SpecService;
use std::collections::HashMap;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

fn image() -> (Layout, Image, Blob) {
    let mut layout = Layout::temp();
    let layer = layout.layer(Gzip, &[file("etc/passwd", "app:x:7:8::/:/bin/sh\n")]);
    let config =
        json!({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"], "User": "app"}});
    let image = layout.image(config, std::slice::from_ref(&layer));
    layout.tag(IMAGE, &image.manifest);
    (layout, image, layer.blob)
}

/// Each blob of an image in turn.
const PARTS: [fn(&Image, &Blob) -> Blob; 3] =
    [|image, _| image.manifest.clone(), |image, _| image.config.clone(), |_, layer| layer.clone()];

async fn refusal(layout: &Layout) -> (Code, String, HashMap<String, String>) {
    let service = service(layout.source());
    let status: Status = service.generate(Request::new(request("default"))).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert!(status.details().len() < 3 << 10 && status.message().len() <= 512);
    (status.code(), info.reason, info.metadata)
}

#[tokio::test]
async fn a_blob_that_is_listed_and_absent() {
    for pick in PARTS {
        let (layout, image, layer) = image();
        let blob = pick(&image, &layer);
        layout.remove(&blob);
        let (code, reason, metadata) = refusal(&layout).await;
        assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "BLOB_ABSENT"));
        assert_eq!(metadata["digest"], blob.digest);
    }
}

#[tokio::test]
async fn a_blob_that_is_cut_short_or_altered() {
    for pick in PARTS {
        for break_it in [|layout: &Layout, blob: &Blob| layout.truncate(blob, 20), Layout::alter] {
            let (layout, image, layer) = image();
            let blob = pick(&image, &layer);
            break_it(&layout, &blob);
            let (code, reason, metadata) = refusal(&layout).await;
            assert_eq!((code, reason.as_str()), (Code::DataLoss, "BLOB_CORRUPT"));
            assert_eq!(metadata["digest"], blob.digest);
        }
    }
}

#[tokio::test]
async fn a_configuration_that_is_no_json_or_too_large() {
    for (config, code, reason) in [
        ("{".to_owned(), Code::FailedPrecondition, "IMAGE_INVALID"),
        (
            format!("{{\"author\":{:?}}}", "x".repeat(5 << 20)),
            Code::ResourceExhausted,
            "LIMIT_EXCEEDED",
        ),
    ] {
        let mut layout = Layout::temp();
        let image = layout.raw_image(config, &[]);
        layout.tag(IMAGE, &image.manifest);
        let (found, said, _) = refusal(&layout).await;
        assert_eq!((found, said.as_str()), (code, reason));
    }
}

#[tokio::test]
async fn a_layer_that_is_no_archive() {
    let mut layout = Layout::temp();
    let layer = layout.raw_layer(Plain, &[7; 2048]);
    let config =
        json!({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"], "User": "app"}});
    let image = layout.image(config, std::slice::from_ref(&layer));
    layout.tag(IMAGE, &image.manifest);
    let (code, reason, metadata) = refusal(&layout).await;
    assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "IMAGE_INVALID"));
    assert_eq!(metadata["digest"], layer.blob.digest);
}

#[tokio::test]
async fn an_account_file_over_its_limit_or_not_regular() {
    let passwd = |megabytes: usize| "#".repeat(1023) + &"\n".repeat(megabytes << 20);
    for (entry, code, reason) in [
        (file("etc/passwd", passwd(10)), Code::ResourceExhausted, "LIMIT_EXCEEDED"),
        (crate::support::layout::fifo("etc/passwd"), Code::FailedPrecondition, "IMAGE_INVALID"),
    ] {
        let mut layout = Layout::temp();
        let layer = layout.layer(Gzip, &[entry]);
        let config = json!({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"], "User": "app"}});
        let image = layout.image(config, &[layer]);
        layout.tag(IMAGE, &image.manifest);
        let (found, said, _) = refusal(&layout).await;
        assert_eq!((found, said.as_str()), (code, reason));
    }
}
