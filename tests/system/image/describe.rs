//! From a target to a description: which manifest is chosen, and every way in which there is none.

use crate::support::layout::{Blob, Gzip, Image, Layer, Layout, Plain, Zstd, file, sha256};
use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::{Value, json};
use specd::domain::ids::Namespace;
use specd::image::platform::{OsFeatures, Platform};
use specd::image::reference::ImageName;
use specd::image::{Description, Descriptor, ImageError, ImageReader, StoreReader};
use specd::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

async fn describe_at(
    layout: &Layout,
    target: &Descriptor,
    platform: &str,
) -> Result<Arc<Description>, ImageError> {
    let mut parts = platform.split('/').chain([""]);
    let mut part = || parts.next().unwrap_or_default();
    let platform = Platform::new(part(), part(), part());
    let reader = StoreReader::new(Arc::new(layout.source()));
    let namespace = Namespace::parse("any").unwrap();
    reader.describe(&namespace, target, &platform, Deadline::NONE).await
}

async fn describe(layout: &Layout, target: &Blob) -> Result<Arc<Description>, ImageError> {
    describe_at(layout, &target.descriptor(), "linux/amd64").await
}

async fn refusal(layout: &Layout, target: &Blob) -> String {
    describe(layout, target).await.unwrap_err().to_string()
}

/// An image without layers that says who it is.
fn named(layout: &Layout, user: &str) -> Image {
    layout.image(json!({"config": {"User": user}}), &[])
}

fn user(description: &Description) -> &str {
    &description.config.container.as_ref().unwrap().user
}

fn invalid(blob: &Blob, reason: &str) -> String {
    format!("blob {}: {reason}", blob.digest)
}

#[tokio::test]
async fn a_manifest_is_described_whole() {
    for layout in [Layout::temp(), Layout::temp().docker()] {
        let layers = [
            layout.layer(Gzip, &[file("a", "1")]),
            layout.layer(Zstd, &[file("a", "2")]),
            layout.layer(Plain, &[file("a", "3")]),
        ];
        let image = layout.image(json!({"config": {"Cmd": ["/a"]}}), &layers);
        let index = layout.index(&[image.manifest.clone().platform("linux/amd64")]);
        let upper = sha256(format!("{} {}", layers[0].diff_id, layers[1].diff_id).as_bytes());
        let chain_id = sha256(format!("{upper} {}", layers[2].diff_id).as_bytes());
        for target in [&image.manifest, &index] {
            let found = describe(&layout, target).await.unwrap();
            assert_eq!(found.manifest_digest, image.manifest.parsed_digest());
            assert_eq!(found.config_digest, image.config.parsed_digest());
            let expected: Vec<_> = layers.iter().map(|layer| layer.blob.descriptor()).collect();
            assert_eq!(found.layers, expected);
            assert_eq!(found.chain_id.as_ref().unwrap().as_str(), chain_id);
            let container = found.config.container.as_ref().unwrap();
            assert_eq!(container.cmd.as_deref(), Some(&["/a".to_owned()][..]));
            assert_eq!(found.config.platform, Platform::new("linux", "amd64", ""));
        }
    }
}

#[tokio::test]
async fn an_image_may_have_no_layers() {
    let layout = Layout::temp();
    let found = describe(&layout, &named(&layout, "a").manifest).await.unwrap();
    assert_eq!((found.layers.len(), found.chain_id.as_ref()), (0, None));
}

#[tokio::test]
async fn the_best_variant_is_chosen() {
    let layout = Layout::temp();
    let entry = |platform: &str| named(&layout, platform).manifest.platform(platform);
    let index = layout.index(&[
        entry("windows/amd64"),
        entry("linux/386"),
        entry("linux/amd64/v3"),
        entry("linux/amd64"),
        entry("linux/arm/v6"),
        entry("linux/arm/v7"),
        entry("linux/arm64/v8"),
        named(&layout, "first without").manifest,
        named(&layout, "second without").manifest,
    ]);
    for (node, chosen) in [
        ("linux/amd64", "linux/amd64"),
        ("linux/amd64/v2", "linux/amd64"),
        ("linux/amd64/v4", "linux/amd64/v3"),
        ("linux/386", "linux/386"),
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/aarch64", "linux/arm64/v8"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
    ] {
        let found = describe_at(&layout, &index.descriptor(), node).await.unwrap();
        assert_eq!(user(&found), chosen, "{node}");
    }
}

#[tokio::test]
async fn the_first_of_equals_is_chosen() {
    let layout = Layout::temp();
    let index = layout.index(&[
        named(&layout, "without").manifest,
        named(&layout, "first").manifest.platform("linux/amd64"),
        named(&layout, "second").manifest.platform("linux/x86_64/v1"),
    ]);
    assert_eq!(user(&describe(&layout, &index).await.unwrap()), "first");
}

#[tokio::test]
async fn an_entry_without_platform_is_judged_by_its_configuration() {
    let layout = Layout::temp();
    let arm = layout.image(json!({"architecture": "arm64"}), &[]);
    let fits = layout
        .index(&[arm.manifest.clone().platform("linux/arm64"), named(&layout, "fits").manifest]);
    assert_eq!(user(&describe(&layout, &fits).await.unwrap()), "fits");

    // One entry is taken: that the next would fit does not help.
    let does_not = layout.index(&[
        named(&layout, "s390x").manifest.platform("linux/s390x"),
        arm.manifest,
        named(&layout, "too late").manifest,
    ]);
    assert_eq!(
        refusal(&layout, &does_not).await,
        "no manifest for linux/amd64, the image has linux/s390x, linux/arm64"
    );
}

#[tokio::test]
async fn attestations_are_skipped() {
    let layout = Layout::temp();
    let attestation = layout.blob("application/vnd.oci.image.manifest.v1+json", "{}");
    let annotated =
        attestation.clone().annotation("vnd.docker.reference.type", "attestation-manifest");
    let index = layout.index(&[
        attestation.clone().attestation(),
        annotated.clone(),
        annotated.platform("linux/amd64"),
        named(&layout, "image").manifest,
    ]);
    assert_eq!(user(&describe(&layout, &index).await.unwrap()), "image");
    let only = layout.index(&[
        attestation.attestation(),
        named(&layout, "arm").manifest.platform("linux/arm64/v8"),
    ]);
    assert_eq!(
        refusal(&layout, &only).await,
        "no manifest for linux/amd64, the image has linux/arm64/v8"
    );
    let config = json!({"architecture": "unknown", "os": "unknown"});
    let image = layout.image(config, &[]);
    for target in
        [&image.manifest, &layout.index(&[image.manifest.clone().platform("linux/amd64")])]
    {
        assert_eq!(
            refusal(&layout, target).await,
            invalid(
                &image.config,
                "is that of an attestation for unknown/unknown, not of an image"
            )
        );
    }
}

#[tokio::test]
async fn the_platforms_that_exist_are_listed_once() {
    let layout = Layout::temp();
    let entry = |platform: &str| named(&layout, platform).manifest.platform(platform);
    let index = layout.index(&[
        entry("linux/arm64/v8"),
        entry("windows/amd64"),
        entry("linux/amd64/v3"),
        entry("linux/arm64/v8"),
    ]);
    let error = describe(&layout, &index).await.unwrap_err();
    let ImageError::PlatformAbsent { wanted, exist } = &error else { panic!("{error}") };
    assert_eq!(wanted.to_string(), "linux/amd64");
    let exist: Vec<_> = exist.iter().map(ToString::to_string).collect();
    assert_eq!(exist, ["linux/arm64/v8", "windows/amd64", "linux/amd64/v3"]);
    assert_eq!(
        refusal(&layout, &layout.index(&[])).await,
        "no manifest for linux/amd64, the image has none"
    );
}

#[tokio::test]
async fn a_plain_manifest_is_judged_leniently() {
    let layout = Layout::temp();
    let config = |os: &str, architecture: &str, variant: &str| {
        let config = json!({"os": os, "architecture": architecture, "variant": variant});
        layout.image(config, &[]).manifest
    };
    for (os, architecture, variant) in [
        ("linux", "amd64", "v4"),
        ("linux", "386", ""),
        ("linux", "x86_64", ""),
        ("", "arm64", ""),
        ("windows", "", ""),
        ("", "", ""),
    ] {
        let found = describe(&layout, &config(os, architecture, variant)).await;
        assert!(found.is_ok(), "{os} {architecture}: {found:?}");
    }
    for (os, architecture, variant, shown) in [
        ("linux", "arm64", "v8", "linux/arm64/v8"),
        ("windows", "amd64", "", "windows/amd64"),
        ("freebsd", "amd64", "", "freebsd/amd64"),
    ] {
        assert_eq!(
            refusal(&layout, &config(os, architecture, variant)).await,
            format!("no manifest for linux/amd64, the image has {shown}")
        );
    }
}

#[tokio::test]
async fn indexes_nest_so_deep_and_no_deeper() {
    let layout = Layout::temp();
    let image = named(&layout, "deep");
    let mut target = image.manifest.platform("linux/amd64");
    for _ in 0..8 {
        target = layout.index(&[target]);
    }
    assert_eq!(user(&describe(&layout, &target).await.unwrap()), "deep");
    let innermost = layout.index(&[layout.index(&[])]);
    let mut target = innermost.clone();
    for _ in 0..7 {
        target = layout.index(&[target]);
    }
    let empty = layout.index(&[]).digest;
    assert_eq!(
        refusal(&layout, &target).await,
        format!("nesting of indexes at {empty} is over the limit of 8 levels")
    );
}

#[tokio::test]
async fn indexes_have_so_many_entries_together_and_no_more() {
    let layout = Layout::temp();
    let image = named(&layout, "deep").manifest;
    let others = |outer: usize| {
        let other = |at| image.clone().platform(&format!("linux/other{outer}-{at}"));
        (0..9_000).map(other).collect::<Vec<_>>()
    };
    let mut target = image.clone().platform("linux/amd64");
    for (outer, level) in ["deep", "deep", "deep", "too many"].into_iter().enumerate() {
        let entries = [vec![target], others(outer)].concat();
        let index = layout.index(&entries);
        let answer = describe(&layout, &index).await;
        if level == "deep" {
            assert_eq!(user(&answer.unwrap()), level);
        } else {
            let error = answer.unwrap_err();
            assert!(matches!(error, ImageError::Limit { unit: "entries", .. }), "{error}");
        }
        target = index.platform("linux/amd64");
    }
    let index = layout.index(&others(9));
    let ImageError::PlatformAbsent { exist, .. } = describe(&layout, &index).await.unwrap_err()
    else {
        panic!("another error")
    };
    assert_eq!(exist.len(), 100);
}

#[tokio::test]
async fn configurations_have_so_many_texts_and_bytes_and_no_more() {
    let layout = Layout::temp();
    let with = |env: Vec<String>| {
        layout.image(json!({"config": {"User": "app", "Env": env}}), &[]).manifest
    };
    let variable = |value: &str| format!("A={value}");
    let largest = |count| vec![variable(&"v".repeat((128 << 10) - 2)); count];
    for fits in [vec![variable("1"); 9_000], largest(15)] {
        assert_eq!(user(&describe(&layout, &with(fits)).await.unwrap()), "app");
    }
    for (too_much, limit) in
        [(vec![variable("1"); 10_000], "10000 texts"), (largest(16), "2097152 bytes")]
    {
        let refused = refusal(&layout, &with(too_much)).await;
        assert!(refused.ends_with(&format!("is over the limit of {limit}")), "{refused}");
    }
}

#[tokio::test]
async fn blobs_that_are_no_layers_do_not_count() {
    let layout = Layout::temp();
    let layer = layout.layer(Gzip, &[file("etc/passwd", "root")]);
    let image = layout.image(json!({}), std::slice::from_ref(&layer));
    for media_type in [
        "application/wasm",
        "application/vnd.in-toto+json",
        "application/vnd.oci.empty.v1+json",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    ] {
        let other = Layer { blob: layout.blob(media_type, "{}"), diff_id: String::new() };
        let manifest = layout.manifest(&image.config, &[other.clone(), layer.clone(), other]);
        let found = describe(&layout, &manifest).await.unwrap();
        assert_eq!(found.layers, [layer.blob.descriptor()], "{media_type}");
    }
    let nydus = layout.blob("application/vnd.oci.image.layer.nydus.blob.v1", "{}");
    let nydus = Layer { blob: nydus, diff_id: String::new() };
    let manifest = layout.manifest(&image.config, &[layer, nydus]);
    let refused = refusal(&layout, &manifest).await;
    assert!(refused.contains("has 2 layers, and its configuration names 1"), "{refused}");
}

/// A store that counts how many large blobs are opened at a time.
struct Counting {
    store: Arc<dyn ImageStore>,
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl ImageStore for Counting {
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
        if blob.size > 64 << 10 {
            self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
        }
        self.store.open(namespace, blob, deadline).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}

#[tokio::test]
async fn large_metadata_is_read_few_at_a_time() {
    let layout = Layout::temp();
    let image = layout.image(json!({"config": {"User": "u".repeat(70_000)}}), &[]);
    let store = Arc::new(Counting {
        store: Arc::new(layout.source()),
        now: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let reader = StoreReader::new(Arc::clone(&store) as Arc<dyn ImageStore>);
    let (namespace, platform) =
        (Namespace::parse("any").unwrap(), Platform::new("linux", "amd64", ""));
    let target = image.manifest.descriptor();
    let calls = (0..8).map(|_| reader.describe(&namespace, &target, &platform, Deadline::NONE));
    for found in join_all(calls).await {
        assert_eq!(user(&found.unwrap()).len(), 70_000);
    }
    assert_eq!(store.most.load(Ordering::SeqCst), 2);
}

/// platforms v1.0.0-rc.5: `matcher.Match`.
#[tokio::test]
async fn an_image_for_features_must_be_asked_for_with_them() {
    let layout = Layout::temp();
    let entry = |user: &str, platform: &str| named(&layout, user).manifest.platform(platform);
    let index =
        layout.index(&[entry("erofs", "linux(+erofs)/amd64"), entry("plain", "linux/amd64")]);
    let reader = StoreReader::new(Arc::new(layout.source()));
    let namespace = Namespace::parse("any").unwrap();
    for (features, expected) in [
        (OsFeatures::default(), "plain"),
        (OsFeatures::new(vec!["other".to_owned()]), "plain"),
        (OsFeatures::new(vec!["other".to_owned(), "erofs".to_owned()]), "erofs"),
        (OsFeatures::NotLookedAt, "erofs"),
    ] {
        let platform = Platform::new("linux", "amd64", "").with_os_features(features.clone());
        let target = index.descriptor();
        let found = reader.describe(&namespace, &target, &platform, Deadline::NONE).await.unwrap();
        assert_eq!(user(&found), expected, "{features:?}");
    }
}

#[tokio::test]
async fn wasm_has_a_platform_of_its_own() {
    let layout = Layout::temp();
    let config = json!({"os": "wasi", "architecture": "wasm", "config": {"User": "wasm"}});
    let image = layout.image(config, &[]).manifest;
    let index = layout.index(&[
        named(&layout, "linux").manifest.platform("linux/amd64"),
        image.clone().platform("wasi/wasm"),
    ]);
    for target in [&image, &index] {
        let found = describe_at(&layout, &target.descriptor(), "wasi/wasm").await.unwrap();
        assert_eq!(user(&found), "wasm");
    }
    assert!(describe(&layout, &image).await.is_err());
}

#[tokio::test]
async fn a_nested_index_without_the_platform_is_the_end() {
    let layout = Layout::temp();
    let inner = layout.index(&[named(&layout, "arm").manifest.platform("linux/arm64")]);
    let outer = layout.index(&[
        inner.platform("linux/amd64"),
        named(&layout, "not tried").manifest.platform("linux/386"),
    ]);
    assert_eq!(
        refusal(&layout, &outer).await,
        "no manifest for linux/amd64, the image has linux/amd64, linux/386, linux/arm64"
    );
}

#[tokio::test]
async fn an_absent_blob_is_named_and_the_next_entry_not_tried() {
    let layout = Layout::temp();
    let image = named(&layout, "gone");
    let index = layout.index(&[
        image.manifest.clone().platform("linux/amd64"),
        named(&layout, "there").manifest.platform("linux/386"),
    ]);
    for blob in [&image.config, &image.manifest, &index] {
        layout.remove(blob);
        let digest = blob.parsed_digest();
        assert_eq!(
            describe(&layout, &index).await,
            Err(ImageError::Store(StoreError::BlobAbsent { digest }))
        );
    }
}

#[tokio::test]
async fn truncated_and_altered_blobs_are_corrupt() {
    for pick in [0, 1, 2] {
        let layout = Layout::temp();
        let image = named(&layout, "a");
        let index = layout.index(&[image.manifest.clone().platform("linux/amd64")]);
        let blob = [&image.config, &image.manifest, &index][pick];
        layout.alter(blob);
        let error = describe(&layout, &index).await.unwrap_err();
        let ImageError::Corrupt { digest, expected, found } = &error else { panic!("{error}") };
        assert_eq!((digest.as_str(), expected), (blob.digest.as_str(), &blob.digest));
        assert!(found.starts_with("sha256:") && found != expected);

        layout.truncate(blob, 10);
        let expected = format!(
            "blob {} is corrupt: expected {} bytes, found 10 bytes",
            blob.digest, blob.size
        );
        assert_eq!(refusal(&layout, &index).await, expected);
    }
}

#[tokio::test]
async fn embedded_data_is_used_where_it_is_the_blobs() {
    let layout = Layout::temp();
    let config = json!({"os": "linux", "architecture": "amd64", "config": {"User": "embedded"}});
    let text = config.to_string();
    let stored = layout.raw_config(&text);
    layout.remove(&stored);
    let manifest = layout.manifest(&stored.clone().embed(text.as_bytes()), &[]);
    assert_eq!(user(&describe(&layout, &manifest).await.unwrap()), "embedded");

    let other = text.replace("embedded", "smuggled");
    let manifest = layout.manifest(&stored.clone().embed(other.as_bytes()), &[]);
    let digest = stored.parsed_digest();
    assert_eq!(
        describe(&layout, &manifest).await,
        Err(ImageError::Store(StoreError::BlobAbsent { digest }))
    );
}

#[tokio::test]
async fn media_types_are_distinguished() {
    let layout = Layout::temp();
    let image = named(&layout, "a");
    let index = layout.index(&[image.manifest.clone().platform("linux/amd64")]);
    let as_index = image.manifest.clone().media_type(&index.media_type);
    assert_eq!(
        refusal(&layout, &as_index).await,
        invalid(&as_index, "is described as an index and reads as a manifest")
    );
    let as_manifest = index.clone().media_type(&image.manifest.media_type);
    assert_eq!(
        refusal(&layout, &as_manifest).await,
        invalid(&as_manifest, "is described as a manifest and reads as an index")
    );
    let schema1 = layout.blob(
        &image.manifest.media_type,
        json!({"schemaVersion": 1, "fsLayers": [], "history": []}).to_string(),
    );
    assert_eq!(
        refusal(&layout, &schema1).await,
        invalid(&schema1, "is a schema 1 manifest, which is not supported")
    );
    let signed = schema1.media_type("application/vnd.docker.distribution.manifest.v1+prettyjws");
    assert_eq!(
        refusal(&layout, &signed).await,
        invalid(
            &signed,
            "media type \"application/vnd.docker.distribution.manifest.v1+prettyjws\" is neither an \
             index's nor a manifest's"
        )
    );
    let helm = layout.blob("application/vnd.cncf.helm.config.v1+json", "{}");
    assert_eq!(
        refusal(&layout, &layout.manifest(&helm, &[])).await,
        invalid(
            &helm,
            "unknown image config media type \"application/vnd.cncf.helm.config.v1+json\""
        )
    );
}

#[tokio::test]
async fn layers_and_diff_ids_must_be_as_many() {
    let layout = Layout::temp();
    let layer = layout.layer(Gzip, &[file("a", "1")]);
    let rootfs = |diff_ids: Value| json!({"rootfs": {"type": "layers", "diff_ids": diff_ids}});
    for (config, layers, said) in [
        (rootfs(json!([])), vec![layer.clone()], "has 1 layers, and its configuration names 0"),
        (rootfs(json!(null)), vec![layer.clone()], "has 1 layers, and its configuration names 0"),
        (rootfs(json!([layer.diff_id])), vec![], "has 0 layers, and its configuration names 1"),
        (
            rootfs(json!([layer.diff_id])),
            vec![layer.clone(), layer.clone()],
            "has 2 layers, and its configuration names 1",
        ),
    ] {
        let manifest = layout.image(config, &layers).manifest;
        assert_eq!(refusal(&layout, &manifest).await, invalid(&manifest, said));
    }
    let manifest = layout.image(json!({}), &vec![layer.clone(); 500]).manifest;
    assert_eq!(describe(&layout, &manifest).await.unwrap().layers.len(), 500);
    let manifest = layout.image(json!({}), &vec![layer; 501]).manifest;
    assert_eq!(
        refusal(&layout, &manifest).await,
        format!("manifest {} is over the limit of 500 layers", manifest.digest)
    );
}

#[tokio::test]
async fn metadata_is_bounded() {
    let layout = Layout::temp();
    let limit = 4 << 20;
    let mut text = json!({"os": "linux", "architecture": "amd64"}).to_string();
    text.push_str(&" ".repeat(limit - text.len()));
    assert!(describe(&layout, &layout.raw_image(&text, &[]).manifest).await.is_ok());
    text.push(' ');
    let image = layout.raw_image(&text, &[]);
    assert_eq!(
        refusal(&layout, &image.manifest).await,
        format!("configuration {} is over the limit of {limit} bytes", image.config.digest)
    );
    for (what, media_type) in
        [("manifest", &image.manifest.media_type), ("index", &layout.index(&[]).media_type)]
    {
        let large = layout.blob(media_type, vec![b' '; limit + 1]);
        assert_eq!(
            refusal(&layout, &large).await,
            format!("{what} {} is over the limit of {limit} bytes", large.digest)
        );
    }
}

#[tokio::test]
async fn what_is_not_json_is_named_by_its_digest() {
    let layout = Layout::temp();
    let image = layout.raw_image("not json", &[]);
    let reason = "is not JSON: expected ident at line 1 column 2";
    assert_eq!(refusal(&layout, &image.manifest).await, invalid(&image.config, reason));
    let image = layout.raw_image("{} {}", &[]);
    let reason = "is not JSON: trailing characters at line 1 column 4";
    assert_eq!(refusal(&layout, &image.manifest).await, invalid(&image.config, reason));
    let image = layout.raw_image("[".repeat(100_000), &[]);
    let reason = "nests deeper than 128 levels";
    assert_eq!(refusal(&layout, &image.manifest).await, invalid(&image.config, reason));
    for media_type in [&layout.index(&[]).media_type, &image.manifest.media_type] {
        let blob = layout.blob(media_type, "{");
        let reason = "is not JSON: EOF while parsing an object at line 1 column 1";
        assert_eq!(refusal(&layout, &blob).await, invalid(&blob, reason));
    }
}

/// What Go reads and a stricter parser would not, in all three kinds of blob.
#[tokio::test]
async fn odd_json_is_read_as_go_reads_it() {
    let layout = Layout::temp();
    let config = layout.raw_config(
        "\r\n{\"OS\": \"windows\", \"oS\": \"linux\", \"ARCHITECTURE\": \"amd64\", \"unknown\": [1e999],
          \"Config\": {\"uſer\": \"first\", \"Cmd\": null, \"Env\": [\"A=1\"], \"Labels\": {\"a\": \"1\"}},
          \"config\": {\"USER\": \"last\", \"Entrypoint\": [], \"Labels\": {\"b\": \"2\"}},
          \"history\": null, \"rootfs\": null, \"created\": null, \"author\": null}\n",
    );
    let manifest = layout.blob(
        "application/vnd.oci.image.manifest.v1+json",
        format!(
            "{{\"Layers\": null, \"CONFIG\": {{\"size\": 1}}, \"config\": {}, \"annotations\": null}}",
            config.json()
        ),
    );
    let entry = manifest.json().to_string();
    let index = layout.blob(
        "application/vnd.oci.image.index.v1+json",
        format!("{{\"manifests\": [], \"manifestſ\": [{entry}], \"subject\": null}}"),
    );
    for target in [&manifest, &index] {
        let found = describe(&layout, target).await.unwrap();
        assert_eq!(found.config.platform, Platform::new("linux", "amd64", ""));
        let container = found.config.container.as_ref().unwrap();
        assert_eq!(container.user, "last");
        assert_eq!(container.cmd, None);
        assert_eq!(container.entrypoint, Some(vec![]));
        assert_eq!(container.env, Some(vec!["A=1".to_owned()]));
        let labels = [("a", "1"), ("b", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(container.labels, labels.into());
    }
}
