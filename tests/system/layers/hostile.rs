//! Layers that mean harm, or that were damaged on the way. Each test is named by what it recalls.

use super::store::{GZIP, Image, Store, TAR, ZSTD, descriptor, namespace};
use crate::support::archive::{Tar, gzip, header, record, seal, zstd};
use crate::support::fuzz::{cases, changed};
use crate::support::hostile_layers::{chain_of_links, frame, long_zeros, zeros};
use crate::support::own_process::is_alone;
use async_trait::async_trait;
use specd::domain::ids::Namespace;
use specd::domain::limits;
use specd::image::layers::{LayerReaders, read_from_layers};
use specd::image::reference::ImageName;
use specd::image::{Descriptor, ImageError, NeededFiles};
use specd::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, ReadBuf};

fn tar() -> Tar {
    Tar::default()
}

fn one(tar: Tar) -> Result<Option<String>, ImageError> {
    Image::default().tar(tar).passwd()
}

#[track_caller]
fn assert_invalid(media_type: &str, bytes: Vec<u8>) {
    let image = Image::default().layer(media_type, bytes);
    let digest = image.layers[0].digest.clone();
    match image.passwd() {
        Err(ImageError::Invalid { digest: found, .. }) => assert_eq!(found, digest),
        other => panic!("{other:?}"),
    }
}

/// An archive in an archive: who takes the header's size for the file's sees the inner one.
#[test]
fn cve_2025_62518_a_pax_size_wins_over_the_size_of_the_header() {
    let inner = tar().file("etc/passwd", "smuggled").0;
    let size = inner.len().to_string();
    let outer = tar().pax(&[("size", size.as_bytes())]).raw(&header(b'0', "inner.tar", "", 0));
    let outer = outer.data(&inner).file("etc/group", "real");
    let files = Image::default().tar(outer).read().unwrap();
    assert_eq!(files.passwd, None);
    assert_eq!(files.group.as_deref(), Some(b"real".as_slice()));

    let watched =
        tar().pax(&[("size", b"4")]).raw(&header(b'0', "etc/passwd", "", 3)).data(b"root");
    assert_eq!(one(watched).unwrap().as_deref(), Some("root"));
    // An extension header in between is not what the size is meant for.
    let between = tar()
        .pax(&[("size", size.as_bytes())])
        .entry(b'L', "././@LongLink", "", b"longer\0")
        .raw(&header(b'0', "inner.tar", "", 0))
        .data(&inner);
    assert_eq!(one(between).unwrap(), None);
}

#[test]
fn cve_2025_62518_what_is_no_file_has_no_bytes() {
    for flag in [b'1', b'2', b'3', b'4', b'5', b'6'] {
        let tar = tar()
            .file("y", "")
            .pax(&[("size", b"1024")])
            .raw(&header(flag, "x", "y", 2048))
            .file("etc/passwd", "root");
        assert_eq!(one(tar).unwrap().as_deref(), Some("root"), "{}", char::from(flag));
    }
}

#[test]
fn cve_2025_62518_a_line_break_in_a_value_neither_ends_nor_begins_a_record() {
    let forged = [b"\x01\n".as_slice(), &record("path", b"etc/passwd"), b"\n"].concat();
    let tar = tar()
        .pax(&[("SCHILY.xattr.security.capability", &forged), ("path", b"etc/group")])
        .file("x", "group");
    let files = Image::default().tar(tar).read().unwrap();
    assert_eq!((files.passwd, files.group.as_deref()), (None, Some(b"group".as_slice())));
}

#[test]
fn cve_2026_47262_ten_mebibytes_pass_and_one_byte_more_does_not() {
    let most = "x".repeat(usize::try_from(limits::ACCOUNT_FILE_BYTES).unwrap());
    assert_eq!(one(tar().file("etc/passwd", &most)).unwrap().as_deref(), Some(most.as_str()));
    let error = one(tar().file("etc/passwd", &(most + "x"))).unwrap_err();
    let limit = limits::ACCOUNT_FILE_BYTES;
    assert!(matches!(&error, ImageError::Limit { limit: l, .. } if *l == limit), "{error}");
    assert!(error.to_string().starts_with("/etc/passwd"), "{error}");
}

#[test]
fn cve_2026_47262_a_large_file_that_is_covered_does_no_harm() {
    let large = "x".repeat(usize::try_from(limits::ACCOUNT_FILE_BYTES).unwrap() + 1);
    let twice = tar().file("etc/passwd", &large).file("etc/passwd", "small");
    assert_eq!(one(twice).unwrap().as_deref(), Some("small"));
    let low = Image::default().tar(tar().file("etc/passwd", &large).file("etc/group", "g"));
    let files = low.tar(tar().file("etc/passwd", "small")).read().unwrap();
    assert_eq!(files.group.as_deref(), Some(b"g".as_slice()));
}

/// containerd joins the name of an entry to the root after it has resolved `..` in it: core/archive/tar.go.
#[test]
fn an_entry_above_the_root_is_put_below_it() {
    for name in ["../../etc/passwd", "/../etc/passwd", "etc/../../etc/passwd"] {
        assert_eq!(one(tar().file(name, "root")).unwrap().as_deref(), Some("root"), "{name}");
    }
}

/// The most memory that this process has had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn layers_of_zeros_are_passed_over_in_little_memory() {
    if !is_alone(module_path!(), "layers_of_zeros_are_passed_over_in_little_memory") {
        return;
    }
    let (gz, zst) = (zeros("zeros", gzip), zeros("etc/passwd", zstd));
    let before = peak();
    let files = Image::default().layer(GZIP, gz).read().unwrap();
    assert_eq!(files.group.as_deref(), Some(b"behind".as_slice()));
    let error = Image::default().layer(ZSTD, zst).passwd().unwrap_err();
    assert!(matches!(error, ImageError::Limit { .. }), "{error}");
    // The kernel counts pages in batches, so that a later reading may be a little lower.
    let grown = peak().saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes more");
}

#[test]
fn a_zstd_window_of_128_mebibytes_passes_and_a_larger_one_does_not() {
    let bytes = tar().file("etc/passwd", "root").end();
    let image = Image::default().layer(ZSTD, frame(27, &bytes));
    assert_eq!(image.passwd().unwrap().as_deref(), Some("root"));
    for later in [frame(28, &bytes), [frame(20, &bytes[..512]), frame(28, &bytes[512..])].concat()]
    {
        let error = Image::default().layer(ZSTD, later).passwd().unwrap_err();
        assert!(matches!(error, ImageError::Limit { limit: 0x0800_0000, .. }), "{error}");
        assert!(error.to_string().contains("zstd window"), "{error}");
    }
}

/// Images of a few kilobytes that each take a window of 128 MiB.
#[test]
fn only_one_reader_has_a_large_window() {
    if !is_alone(module_path!(), "only_one_reader_has_a_large_window") {
        return;
    }
    let image = Image::default().layer(ZSTD, long_zeros(27, 160 << 20));
    let (store, layers) = (Arc::new(image.store), Arc::new(image.layers));
    let readers = LayerReaders::new(4);
    let before = peak();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let (store, layers) = (Arc::clone(&store), Arc::clone(&layers));
            let readers = readers.clone();
            runtime.spawn(async move {
                read_from_layers(&readers, &*store, &namespace(), &layers, PASSWD, Deadline::NONE)
                    .await
            })
        })
        .collect();
    for call in calls {
        let files = runtime.block_on(call).unwrap().unwrap();
        assert_eq!(files.passwd.as_deref(), Some(b"root".as_slice()));
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < 240 << 20, "{grown} bytes more");
}

/// Entries that are each reached through a chain of links, all at the end of a path as long as one can be.
#[test]
fn chains_of_links_at_the_end_of_long_paths_are_bounded() {
    let once = Image::default().layer(TAR, chain_of_links(1));
    assert_eq!(once.passwd().unwrap().as_deref(), Some("root"));
    let error = Image::default().layer(TAR, chain_of_links(2001)).passwd().unwrap_err();
    assert!(matches!(error, ImageError::Limit { unit: "names", .. }), "{error}");
}

#[test]
fn extension_headers_without_end_are_refused() {
    let long = vec![b'a'; (1 << 20) + 1];
    for flag in [b'x', b'L', b'K', b'g'] {
        assert_invalid(TAR, tar().entry(flag, "x", "", &long).file("etc/passwd", "x").end());
    }
    let mut block = header(b'S', "x", "", 0);
    block[257..265].copy_from_slice(b"ustar  \0");
    block[482] = 1;
    seal(&mut block);
    let mut more = [0; 512];
    more[504] = 1;
    assert_invalid(TAR, tar().raw(&block).raw(&more.repeat(4096)).end());
}

#[test]
fn names_and_targets_that_no_path_can_have_are_refused() {
    let long = "a/".repeat(2100);
    let records: [(&str, &[u8]); 1] = [("path", long.as_bytes())];
    assert_invalid(TAR, tar().pax(&records).file("x", "").end());
    let target: [(&str, &[u8]); 1] = [("linkpath", long.as_bytes())];
    assert_invalid(TAR, tar().pax(&target).symlink("x", "y").end());
    assert_invalid(TAR, tar().symlink("x", "").end());
}

/// A way as long as a path can be, through every link that is allowed and many layers.
#[test]
fn long_ways_through_many_layers_end_soon() {
    let deep = "d/".repeat(1500);
    let target = format!("/{deep}next");
    let mut lowest = tar().pax(&[("linkpath", target.as_bytes())]).symlink("etc/passwd", "x");
    let path: [(&str, &[u8]); 2] = [("path", target.as_bytes()), ("linkpath", b"missing")];
    lowest = lowest.pax(&path).symlink("x", "y");
    let mut image = Image::default().tar(lowest);
    for layer in 0..60 {
        let name = format!("{deep}other{layer}");
        image = image.tar(tar().pax(&[("path", name.as_bytes())]).file("x", ""));
    }
    assert_eq!(image.passwd().unwrap(), None);
}

#[test]
fn broken_layers_are_named() {
    let good = tar().file("etc/passwd", &"root".repeat(500)).end();
    let mut altered = good.clone();
    altered[0] ^= 1;
    assert_invalid(TAR, altered);
    assert_invalid(TAR, good[..700].to_vec());
    assert_invalid(TAR, good[..100].to_vec());
    assert_invalid(TAR, b"#!/bin/sh\n".repeat(200));
    assert_invalid(TAR, tar().raw(&[0; 512]).file("etc/passwd", "x").0);
    for (media_type, packed) in [(GZIP, gzip(&good)), (ZSTD, zstd(&good))] {
        assert_invalid(media_type, packed[..packed.len() / 2].to_vec());
        assert_invalid(media_type, packed[..5].to_vec());
        assert_invalid(media_type, [packed.as_slice(), b"garbage behind it"].concat());
    }
    let mut packed = gzip(&good);
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    assert_invalid(GZIP, packed);
}

/// An image with one layer that is stored with other bytes than its descriptor says.
fn damaged(media_type: &str, bytes: &[u8], stored: Vec<u8>) -> Result<Option<String>, ImageError> {
    let layer = descriptor(media_type, bytes);
    let mut store = Store::default();
    store.blobs.insert(layer.digest.clone(), stored);
    Image { store, layers: vec![layer] }.passwd()
}

#[test]
fn a_damaged_blob_is_corrupt_whatever_the_damage_did() {
    let plain = tar().file("etc/passwd", &"root".repeat(500)).end();
    for (media_type, bytes) in [(TAR, plain.clone()), (GZIP, gzip(&plain)), (ZSTD, zstd(&plain))] {
        for at in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
            let mut altered = bytes.clone();
            altered[at] ^= 0x10;
            let answer = damaged(media_type, &bytes, altered);
            assert!(matches!(answer, Err(ImageError::Corrupt { .. })), "{media_type} {at}");
        }
        for end in [0, 1, 5, bytes.len() / 2, bytes.len() - 1] {
            let answer = damaged(media_type, &bytes, bytes[..end].to_vec());
            assert!(matches!(answer, Err(ImageError::Corrupt { .. })), "{media_type} {end}");
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        let answer = damaged(media_type, &bytes, longer);
        assert!(matches!(answer, Err(ImageError::Corrupt { .. })), "{media_type} longer");
    }
}

#[test]
fn a_blob_that_is_absent_is_said_to_be() {
    let layer = descriptor(TAR, b"not there");
    let digest = layer.digest.clone();
    let image = Image { layers: vec![layer], ..Image::default() };
    let absent = ImageError::Store(StoreError::BlobAbsent { digest });
    assert_eq!(image.passwd(), Err(absent));
}

#[test]
fn more_layers_than_there_can_be_are_refused() {
    let mut image = Image::default().tar(tar());
    image.layers = vec![image.layers[0].clone(); limits::LAYERS + 1];
    assert!(matches!(image.passwd(), Err(ImageError::Limit { unit: "layers", .. })));
}

/// A source with blobs that begin and then break off, or stop sending.
struct Faltering {
    start: Vec<u8>,
    breaks_off: bool,
    dropped: Arc<AtomicBool>,
}

struct FalteringBlob {
    start: std::io::Cursor<Vec<u8>>,
    breaks_off: bool,
    dropped: Arc<AtomicBool>,
}

impl Drop for FalteringBlob {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::SeqCst);
    }
}

impl AsyncRead for FalteringBlob {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.start).poll_read(cx, buf);
        if buf.filled().len() > before {
            return polled;
        }
        if self.breaks_off {
            let error = StoreError::Unavailable("connection reset".to_owned());
            return Poll::Ready(Err(std::io::Error::other(error)));
        }
        Poll::Pending
    }
}

#[async_trait]
impl ImageStore for Faltering {
    async fn resolve(
        &self,
        _: &Namespace,
        _: &ImageName,
        _: Deadline,
    ) -> Result<Resolved, StoreError> {
        Err(StoreError::ImageNotFound { tried: Vec::new(), hint: String::new() })
    }

    async fn open(
        &self,
        _: &Namespace,
        _: &Descriptor,
        _: Deadline,
    ) -> Result<BlobStream, StoreError> {
        let start = std::io::Cursor::new(self.start.clone());
        let (breaks_off, dropped) = (self.breaks_off, self.dropped.clone());
        Ok(Box::pin(FalteringBlob { start, breaks_off, dropped }))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

const PASSWD: NeededFiles = NeededFiles { passwd: true, group: false };

#[tokio::test]
async fn a_source_that_breaks_off_is_not_a_bad_layer() {
    let whole = gzip(&tar().file("etc/passwd", "root").end());
    for cut in [0, 3, 20, whole.len()] {
        let start = whole[..cut].to_vec();
        let source = Faltering { start, breaks_off: true, dropped: Arc::default() };
        let layers = [descriptor(GZIP, &whole)];
        let readers = LayerReaders::default();
        let answer =
            read_from_layers(&readers, &source, &namespace(), &layers, PASSWD, Deadline::NONE)
                .await;
        let broken = StoreError::Unavailable("connection reset".to_owned());
        assert_eq!(answer, Err(ImageError::Store(broken)), "{cut}");
    }
}

/// The thread that reads must not wait for a source that has gone silent once the caller is gone.
#[tokio::test]
async fn a_call_that_is_dropped_stops_reading() {
    let whole = tar().file("etc/passwd", "root").end();
    let dropped = Arc::new(AtomicBool::new(false));
    let source =
        Faltering { start: whole[..600].to_vec(), breaks_off: false, dropped: dropped.clone() };
    let layers = [descriptor(TAR, &whole)];
    let namespace = namespace();
    let readers = LayerReaders::default();
    let call = read_from_layers(&readers, &source, &namespace, &layers, PASSWD, Deadline::NONE);
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    for _ in 0..1000 {
        if dropped.load(Ordering::SeqCst) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the blob is still being read");
}

/// The thread that reads must not go on while it decompresses, without a read of the blob.
#[tokio::test]
async fn a_call_that_is_dropped_stops_decompressing() {
    let whole = long_zeros(20, 3 << 30);
    assert!(whole.len() < 128 << 10, "the blob is one chunk");
    let dropped = Arc::new(AtomicBool::new(false));
    let source = Faltering { start: whole.clone(), breaks_off: true, dropped: dropped.clone() };
    let layers = [descriptor(ZSTD, &whole)];
    let (readers, namespace) = (LayerReaders::default(), namespace());
    let call = read_from_layers(&readers, &source, &namespace, &layers, PASSWD, Deadline::NONE);
    // A fast machine decompresses all of it within 100 ms.
    assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err());
    let gone = Instant::now();
    while !dropped.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(gone.elapsed() < Duration::from_millis(200), "it is still being decompressed");
    }
}

proptest::proptest! {
    #![proptest_config(cases(200))]

    /// Whatever is changed in an archive, the answer is one of those that are allowed.
    #[test]
    fn fuzzed_archives_give_an_answer_or_a_named_error(
        flips in proptest::collection::vec((0_usize..4096, proptest::num::u8::ANY), 1..6),
        fix_checksums in proptest::bool::ANY,
    ) {
        let mut bytes = tar()
            .pax(&[("path", b"etc/passwd"), ("size", b"4")])
            .file("x", "root")
            .symlink("etc/group", "/a/../b")
            .hardlink("b", "etc/passwd")
            .file("etc/.wh.shadow", "")
            .end();
        for (at, value) in flips {
            let at = at % bytes.len();
            bytes[at] = value;
            if fix_checksums {
                let start = at / 512 * 512;
                let mut block: [u8; 512] = bytes[start..start + 512].try_into().unwrap();
                seal(&mut block);
                bytes[start..start + 512].copy_from_slice(&block);
            }
        }
        match Image::default().layer(TAR, bytes).read() {
            Ok(_) | Err(ImageError::Invalid { .. } | ImageError::File { .. } | ImageError::Limit { .. }) => {}
            Err(other) => proptest::prop_assert!(false, "{other}"),
        }
    }
}

/// Archives of every compression, with what a reader must know of them.
fn archives() -> Vec<Vec<u8>> {
    let plain = tar()
        .pax(&[("path", b"etc/passwd"), ("size", b"4")])
        .file("x", "root")
        .entry(b'L', "././@LongLink", "", b"etc/group\0")
        .file("y", "root")
        .symlink("etc/link", "passwd")
        .hardlink("etc/hard", "etc/passwd")
        .file("etc/.wh.shadow", "")
        .end();
    vec![gzip(&plain), zstd(&plain), [gzip(&plain), gzip(&plain)].concat(), plain]
}

proptest::proptest! {
    #![proptest_config(cases(200))]

    /// Also where the bytes are those of a compressed stream.
    #[test]
    fn fuzzed_layers_give_an_answer_or_a_named_error(
        bytes in changed(archives()),
        media_type in proptest::sample::select(&[TAR, GZIP, ZSTD][..]),
    ) {
        match Image::default().layer(media_type, bytes).read() {
            Ok(_) | Err(ImageError::Invalid { .. } | ImageError::File { .. } | ImageError::Limit { .. }) => {}
            Err(other) => proptest::prop_assert!(false, "{other}"),
        }
    }
}
