//! The source itself: which directories are layouts, and what a name points to in one.

use crate::support::layout::{Layout, sha256};
use serde_json::json;
use specd::domain::ids::Namespace;
use specd::image::Descriptor;
use specd::image::reference::ImageName;
use specd::store::oci_layout::OciLayout;
use specd::store::{Deadline, ImageStore, Resolved, StoreError};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncReadExt;

async fn resolve(source: &OciLayout, name: &str) -> Result<Resolved, StoreError> {
    let namespace = Namespace::parse("any").unwrap();
    source.resolve(&namespace, &ImageName::parse(name).unwrap(), Deadline::NONE).await
}

fn sentence(path: &Path) -> String {
    OciLayout::open(path).unwrap_err().to_string()
}

fn mkfifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn a_directory_that_is_none_gets_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let shown = root.display();
    let missing = root.join("missing");
    assert_eq!(sentence(&missing), format!("{} does not exist", missing.display()));
    let file = root.join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(sentence(&file), format!("{} is empty: write it again", file.display()));
    assert_eq!(
        sentence(root),
        format!("{shown} is not an OCI image layout: it has no file \"oci-layout\"")
    );
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert_eq!(
        sentence(root),
        format!(
            "{shown} cannot be read as an OCI image layout: oci-layout: its version is \"2.0.0\", \
             and only 1.0.0 is known"
        )
    );
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    assert_eq!(
        sentence(root),
        format!("{shown} is not an OCI image layout: it has no file \"index.json\"")
    );
    fs::write(root.join("index.json"), "manifests: []").unwrap();
    let said = sentence(root);
    assert!(said.contains("index.json: is not JSON: expected value at line 1 column 1"), "{said}");
    fs::write(root.join("index.json"), vec![b' '; (4 << 20) + 1]).unwrap();
    assert!(sentence(root).ends_with("index.json: is longer than 4194304 bytes"));
    fs::write(root.join("index.json"), r#"{"manifests":null}"#).unwrap();
    assert!(OciLayout::open(root).is_ok());
}

/// An archive of a layout, with a prefix before its names, written to `archive.tar` beside it.
fn pack(layout: &Layout, prefix: &str) -> PathBuf {
    let path = layout.root().join("archive.tar");
    let mut archive = tar::Builder::new(fs::File::create(&path).unwrap());
    for name in ["oci-layout", "index.json", "blobs"] {
        let file = layout.root().join(name);
        let name = format!("{prefix}{name}");
        if file.is_dir() {
            archive.append_dir_all(name, file).unwrap();
        } else {
            archive.append_path_with_name(file, name).unwrap();
        }
    }
    archive.finish().unwrap();
    path
}

#[tokio::test]
async fn an_archive_is_read_in_place() {
    let mut layout = Layout::temp();
    let (first, second) = (layout.blob("text/plain", "first"), layout.blob("text/plain", "second"));
    layout.tag("app", &first);
    for prefix in ["", "./"] {
        let path = pack(&layout, prefix);
        let source = OciLayout::open(&path).unwrap();
        let found = resolve(&source, "app").await.unwrap();
        assert_eq!(found.target, first.descriptor(), "{prefix}");
        for (blob, text) in [(&first, "first"), (&second, "second")] {
            let namespace = Namespace::parse("any").unwrap();
            let opened = source.open(&namespace, &blob.descriptor(), Deadline::NONE).await;
            let mut read = String::new();
            opened.unwrap().read_to_string(&mut read).await.unwrap();
            assert_eq!(read, text, "{prefix}");
        }
        source.ping().await.unwrap();
    }
    // An archive that has another content by now is another layout.
    let source = OciLayout::open(pack(&layout, "")).unwrap();
    layout.tag("app", &second);
    pack(&layout, "");
    assert_eq!(resolve(&source, "app").await.unwrap().target, second.descriptor());
    layout.remove(&first);
    pack(&layout, "");
    let namespace = Namespace::parse("any").unwrap();
    let opened = source.open(&namespace, &first.descriptor(), Deadline::NONE).await;
    assert!(matches!(opened.err(), Some(StoreError::BlobAbsent { .. })));
}

#[test]
fn an_archive_that_is_no_layout_gets_a_sentence() {
    let mut layout = Layout::temp();
    let image = layout.blob("text/plain", "image");
    layout.tag("app", &image);
    let path = pack(&layout, "");
    let whole = fs::read(&path).unwrap();
    let shown = path.display();
    // Cut inside of the blob, which is the last entry.
    let end = whole.windows(5).position(|window| window == b"image").unwrap();
    for (bytes, words) in [
        (b"\x1f\x8b and so on".as_slice(), "tar ends inside a header; decompress it"),
        (&[7; 1024], "tar header has a wrong checksum; decompress it if it is compressed"),
    ] {
        fs::write(&path, bytes).unwrap();
        let said = sentence(&path);
        let start = format!("{shown} is neither a directory nor a tar archive: ");
        assert!(said.starts_with(&start) && said.contains(words), "{said}");
    }
    fs::write(&path, &whole[..end + 2]).unwrap();
    let cut = format!("{shown} is cut off: tar ends inside an entry: write it again");
    assert_eq!(sentence(&path), cut);
    let mut old = tar::Builder::new(fs::File::create(&path).unwrap());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_cksum();
    old.append_data(&mut header, "manifest.json", b"[]".as_slice()).unwrap();
    old.finish().unwrap();
    let said = sentence(&path);
    let command = format!("skopeo copy docker-archive:{shown} oci:DIR");
    assert!(said.contains("has no file \"oci-layout\"") && said.contains(&command), "{said}");
    fs::remove_file(&path).unwrap();
    mkfifo(&path);
    assert_eq!(sentence(&path), format!("cannot read {shown}: not a regular file"));
}

#[test]
fn an_archive_has_a_bound() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("many.tar");
    let mut archive = tar::Builder::new(fs::File::create(&path).unwrap());
    for number in 0..30_001 {
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        header.set_path(format!("f{number}")).unwrap();
        header.set_cksum();
        archive.append(&header, [].as_slice()).unwrap();
    }
    archive.finish().unwrap();
    assert!(sentence(&path).contains("tar has too many entries"), "{}", sentence(&path));
}

#[tokio::test]
async fn names_match_exactly_and_the_last_counts() {
    let mut layout = Layout::temp();
    let first = layout.blob("text/plain", "first");
    let second = layout.blob("text/plain", "second");
    let third = layout.blob("text/plain", "third");
    layout.tag("docker.io/library/app:1", &first);
    layout.tag("docker.io/library/app:latest", &first);
    layout.tag("docker.io/library/app:1", &second);
    layout.tag_as("io.containerd.image.name", "ghcr.io/me/tool:2", &third);
    layout.tag("latest", &third);
    let source = layout.source();
    for (name, stored, blob) in [
        ("docker.io/library/app:1", "docker.io/library/app:1", &second),
        ("app:1", "docker.io/library/app:1", &second),
        ("app", "docker.io/library/app:latest", &first),
        ("ghcr.io/me/tool:2", "ghcr.io/me/tool:2", &third),
        ("latest", "latest", &third),
        (&first.digest, &first.digest, &first),
        (&format!("other@{}", third.digest), &format!("other@{}", third.digest), &third),
    ] {
        let found = resolve(&source, name).await.unwrap();
        assert_eq!((found.name.as_str(), found.target), (stored, blob.descriptor()), "{name}");
    }
}

#[tokio::test]
async fn an_unknown_name_lists_the_names_tried() {
    let layout = Layout::temp();
    let error = resolve(&layout.source(), "app").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "image not found, tried app and docker.io/library/app:latest; the layout is empty"
    );
    let full = "docker.io/library/app:1";
    let tried = vec![full.to_owned()];
    let answer = resolve(&layout.source(), full).await;
    let hint = "; the layout is empty".to_owned();
    assert_eq!(answer, Err(StoreError::ImageNotFound { tried, hint }));
}

#[tokio::test]
async fn the_only_image_of_a_layout_needs_no_name() {
    let mut layout = Layout::temp();
    let image = layout.blob("text/plain", "image");
    // What `skopeo copy oci:x oci:DIR` and `buildah push` write.
    layout.tag_as("org.example.other", "x", &image);
    let source = layout.source();
    for (name, stored) in
        [("app", "docker.io/library/app:latest"), ("quay.io/a/b:1", "quay.io/a/b:1")]
    {
        let found = resolve(&source, name).await.unwrap();
        assert_eq!((found.name.as_str(), found.target), (stored, image.descriptor()), "{name}");
    }
    let digest = format!("sha256:{}", "a".repeat(64));
    let other = resolve(&source, &format!("app@{digest}")).await.unwrap_err().to_string();
    assert!(other.ends_with(&format!("; the layout has {}", image.digest)), "{other}");

    let second = layout.blob("text/plain", "second");
    layout.tag("docker.io/library/second:1", &second);
    let error = resolve(&source, "app").await.unwrap_err().to_string();
    let listed = format!("; the layout has {}, docker.io/library/second:1", image.digest);
    assert!(error.ends_with(&listed), "{error}");
    for number in 0..9 {
        layout.tag(&format!("docker.io/library/many:{number}"), &second);
    }
    let error = resolve(&source, "app").await.unwrap_err().to_string();
    assert!(error.ends_with(" and 6 more"), "{error}");
}

#[tokio::test]
async fn a_name_is_never_remembered() {
    let mut layout = Layout::temp();
    let source = layout.source();
    let first = layout.blob("text/plain", "first");
    let second = layout.blob("text/plain", "second");
    for blob in [&first, &second] {
        layout.tag("app", blob);
        assert_eq!(resolve(&source, "app").await.unwrap().target.digest.as_str(), blob.digest);
    }
    fs::write(layout.root().join("index.json"), r#"{"manifests":{}}"#).unwrap();
    let error = resolve(&source, "app").await.unwrap_err();
    assert!(matches!(&error, StoreError::Invalid(_)), "{error:?}");
    assert!(error.to_string().ends_with("manifests: expected a list, found an object"), "{error}");
}

#[tokio::test]
async fn platform_and_data_of_an_entry_are_kept() {
    let mut layout = Layout::temp();
    let blob = layout.blob("text/plain", "abc").platform("linux/arm64/v8").embed(b"abc");
    layout.tag("app", &blob);
    let target = resolve(&layout.source(), "app").await.unwrap().target;
    assert_eq!(target.platform.unwrap().to_string(), "linux/arm64/v8");
    assert_eq!(target.data.as_deref(), Some(&b"abc"[..]));
}

#[tokio::test]
async fn blobs_are_read_and_absent_ones_named() {
    let layout = Layout::temp();
    let source = layout.source();
    let namespace = Namespace::parse("any").unwrap();
    let blob = layout.blob("text/plain", "content");
    let mut text = String::new();
    let mut stream = source.open(&namespace, &blob.descriptor(), Deadline::NONE).await.unwrap();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "content");

    let elsewhere = layout.root().join("elsewhere");
    fs::rename(layout.path(&blob), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, layout.path(&blob)).unwrap();
    assert!(source.open(&namespace, &blob.descriptor(), Deadline::NONE).await.is_ok());

    layout.remove(&blob);
    let digest = blob.parsed_digest();
    let answer = source.open(&namespace, &blob.descriptor(), Deadline::NONE).await.map(drop);
    assert_eq!(answer, Err(StoreError::BlobAbsent { digest }));
}

/// Opening a named pipe waits for a writer that never comes.
#[tokio::test]
async fn what_is_no_regular_file_is_not_opened() {
    let layout = Layout::temp();
    let source = layout.source();
    let namespace = Namespace::parse("any").unwrap();
    let open = async |blob: &Descriptor| {
        let opened = tokio::time::timeout(
            Duration::from_secs(60),
            source.open(&namespace, blob, Deadline::NONE),
        );
        opened.await.unwrap().map(drop).unwrap_err().to_string()
    };
    for (content, make) in
        [("a directory", (|path| fs::create_dir(path).unwrap()) as fn(&Path)), ("a pipe", mkfifo)]
    {
        let blob = layout.blob("text/plain", content);
        layout.remove(&blob);
        make(&layout.path(&blob));
        let error = open(&blob.descriptor()).await;
        assert!(error.ends_with("not a regular file"), "{content}: {error}");
    }
    fs::remove_file(layout.root().join("oci-layout")).unwrap();
    mkfifo(&layout.root().join("oci-layout"));
    assert!(source.ping().await.unwrap_err().to_string().ends_with("not a regular file"));
}

#[tokio::test]
async fn ping_sees_the_layout_go() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("layout");
    let source = Layout::at(&root).source();
    assert_eq!(source.ping().await, Ok(()));
    fs::remove_dir_all(&root).unwrap();
    let shown = root.display().to_string();
    assert_eq!(
        source.ping().await,
        Err(StoreError::Unavailable(format!("{shown} does not exist")))
    );
    assert!(matches!(resolve(&source, "app").await, Err(StoreError::Invalid(_))));
}

#[tokio::test]
async fn an_entry_that_is_no_descriptor_is_named() {
    let layout = Layout::temp();
    let source = layout.source();
    let digest = sha256(b"x");
    for (entry, reason) in [
        (
            json!({"digest": "sha256:abc", "size": 1}),
            "manifests[0].digest: \"sha256:abc\" is not a digest",
        ),
        (json!({"digest": digest, "size": -1}), "manifests[0].size: is negative: -1"),
        (
            json!({"digest": digest, "size": 1.5}),
            "manifests[0].size: expected an integer, found 1.5",
        ),
        (
            json!({"digest": digest, "size": "1"}),
            "manifests[0].size: expected an integer, found a string",
        ),
        (json!({"digest": digest, "data": "!"}), "manifests[0].data: is not base 64: "),
        (
            json!({"digest": digest, "platform": 1}),
            "manifests[0].platform: expected an object, found a number",
        ),
        (
            json!({"digest": digest, "annotations": {"a": 1}}),
            "manifests[0].annotations[\"a\"]: expected a string, found a number",
        ),
    ] {
        let index = json!({"manifests": [entry]});
        fs::write(layout.root().join("index.json"), index.to_string()).unwrap();
        let error = resolve(&source, "app").await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
