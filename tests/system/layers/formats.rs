//! Media types, compressions and the dialects of tar.

use super::store::{GZIP, Image, TAR, ZSTD, descriptor};
use crate::support::archive::{Tar, gzip, header, seal, zstd};
use crate::support::say::say;
use specd::image::ImageError;
use std::io::Write;

fn tar() -> Tar {
    Tar::default()
}

fn one(tar: Tar) -> Option<String> {
    Image::default().tar(tar).passwd().unwrap()
}

#[test]
fn every_media_type_of_a_layer_is_read_by_its_first_bytes() {
    let plain = tar().file("etc/passwd", "root").end();
    for name in [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ] {
        for bytes in [plain.clone(), gzip(&plain), zstd(&plain)] {
            let image = Image::default().layer(name, bytes);
            assert_eq!(image.passwd().unwrap().as_deref(), Some("root"), "{name}");
        }
    }
}

#[test]
fn what_is_no_layer_is_refused_unopened() {
    for name in [
        "",
        "application/octet-stream",
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
        "application/vnd.oci.image.layer.v1.tar.gzip",
        "application/vnd.oci.image.layer.v1.tarball",
    ] {
        let image = Image::default().layer(name, tar().end());
        let digest = image.layers[0].digest.clone();
        let (answer, opened) =
            image.read_noting(specd::image::NeededFiles { passwd: true, group: false });
        assert!(
            matches!(answer, Err(ImageError::LayerUnreadable { digest: d, .. }) if d == digest),
            "{name}"
        );
        assert!(opened.is_empty());
    }
}

#[test]
fn several_gzip_members_and_zstd_frames_are_one_stream() {
    let plain = tar().file("etc/passwd", "root").end();
    let (first, second) = plain.split_at(700);
    let image = Image::default().layer(GZIP, [gzip(first), gzip(second)].concat());
    assert_eq!(image.passwd().unwrap().as_deref(), Some("root"));
    let skipped = b"\x50\x2a\x4d\x18\x04\0\0\0skip".to_vec();
    let frames = [skipped.clone(), zstd(first), skipped, zstd(second)].concat();
    let image = Image::default().layer(ZSTD, frames);
    assert_eq!(image.passwd().unwrap().as_deref(), Some("root"));
}

#[test]
fn bytes_in_the_descriptor_are_used() {
    let bytes = tar().file("etc/passwd", "embedded").end();
    let mut layer = descriptor(TAR, &bytes);
    layer.data = Some(bytes.into());
    let image = Image { layers: vec![layer], ..Image::default() };
    assert_eq!(image.passwd().unwrap().as_deref(), Some("embedded"));
}

#[test]
fn long_names_come_from_pax_from_gnu_and_from_the_prefix() {
    let deep = format!("{}/file", "long".repeat(60));
    let pax = tar()
        .pax(&[("path", deep.as_bytes())])
        .file("short", "pax")
        .pax(&[("linkpath", format!("/{deep}").as_bytes())])
        .symlink("etc/passwd", "short");
    assert_eq!(one(pax).as_deref(), Some("pax"));

    let text = |name: &str| format!("{name}\0").into_bytes();
    let gnu = tar()
        .entry(b'L', "././@LongLink", "", &text(&deep))
        .file("short", "gnu")
        .entry(b'K', "././@LongLink", "", &text(&format!("/{deep}")))
        .entry(b'L', "././@LongLink", "", &text("etc/passwd"))
        .symlink("x", "short");
    assert_eq!(one(gnu).as_deref(), Some("gnu"));

    let mut block = header(b'0', "passwd", "", 6);
    block[345..352].copy_from_slice(b"nix/etc");
    seal(&mut block);
    let prefix = tar().symlink("etc", "nix/etc").raw(&block).data(b"prefix");
    assert_eq!(one(prefix).as_deref(), Some("prefix"));
}

/// In a GNU header there are times where others have a prefix, but what old Go wrote has one too.
#[test]
fn a_gnu_header_has_a_prefix_only_where_no_time_can_stand() {
    for (field, found) in [(b"00000000007\0".as_slice(), Some("gnu")), (b"opt/rootfs\0\0", None)] {
        let mut block = header(b'0', "etc/passwd", "", 3);
        block[257..265].copy_from_slice(b"ustar  \0");
        block[345..357].copy_from_slice(field);
        seal(&mut block);
        assert_eq!(one(tar().raw(&block).data(b"gnu")).as_deref(), found);
    }
}

#[test]
fn an_archive_of_an_independent_writer_is_read() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut put = |name: &str, data: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, name, data).unwrap();
    };
    let deep = format!("{}/passwd", "deep/".repeat(40));
    put(&deep, b"root:x:0:0::/root:/bin/sh\n");
    put("usr/bin/tool", &[7; 5000]);
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    builder.append_link(&mut link, "etc/passwd", format!("/{deep}")).unwrap();
    let image = Image::default().layer(TAR, builder.into_inner().unwrap());
    assert_eq!(image.passwd().unwrap().as_deref(), Some("root:x:0:0::/root:/bin/sh\n"));
}

#[test]
fn an_archive_may_lack_its_end_and_have_bytes_behind_it() {
    let files = tar().file("etc/passwd", "root");
    for bytes in [
        files.0.clone(),
        files.clone().raw(&[0; 512]).0,
        files.clone().raw(&[0; 10240]).0,
        files.clone().raw(&[0; 1024]).file("etc/passwd", "behind the end").0,
        files.raw(&[0; 1024]).raw(b"no multiple of a block").0,
    ] {
        for image in [
            Image::default().layer(TAR, bytes.clone()),
            Image::default().layer(GZIP, gzip(&bytes)),
            Image::default().layer(ZSTD, zstd(&bytes)),
        ] {
            assert_eq!(image.passwd().unwrap().as_deref(), Some("root"));
        }
    }
    assert_eq!(Image::default().layer(TAR, Vec::new()).passwd().unwrap(), None);
}

#[test]
fn global_records_change_nothing() {
    let global = tar().entry(b'g', "pax_global_header", "", b"19 path=etc/passwd\n");
    assert_eq!(one(global.file("other", "x")), None);
}

#[test]
fn an_old_archive_has_directories_as_names_with_a_slash() {
    let mut block = header(b'\0', "etc/", "", 0);
    block[257..265].fill(0);
    seal(&mut block);
    let image = Image::default().tar(tar().file("etc/passwd", "low")).tar(tar().raw(&block));
    assert_eq!(image.passwd().unwrap().as_deref(), Some("low"));
}

/// The old GNU format: pieces in the header, more in a block behind it, a hole at the end.
#[test]
fn sparse_files_are_read_expanded() {
    let number = |value: usize| format!("{value:011o}\0").into_bytes();
    let mut block = header(b'S', "etc/passwd", "", 2048);
    block[257..265].copy_from_slice(b"ustar  \0");
    for (at, offset) in [0, 1024, 2048, 4096].into_iter().enumerate() {
        let length = if offset == 4096 { 0 } else { 512 };
        block[386 + at * 24..398 + at * 24].copy_from_slice(&number(offset));
        block[398 + at * 24..410 + at * 24].copy_from_slice(&number(length));
    }
    block[482] = 1;
    block[483..495].copy_from_slice(&number(9000));
    seal(&mut block);
    let mut more = [0_u8; 512];
    more[..12].copy_from_slice(&number(5000));
    more[12..24].copy_from_slice(&number(512));
    let data: Vec<u8> = (1..=4).flat_map(|piece| [piece; 512]).collect();
    let sparse = |block: &[u8]| tar().raw(block).raw(&more).data(&data).file("etc/group", "behind");
    let files = Image::default().tar(sparse(&block)).read().unwrap();
    let passwd = files.passwd.unwrap();
    let mut want = vec![0; 9000];
    for (piece, offset) in [(1, 0), (2, 1024), (3, 2048), (4, 5000)] {
        want[offset..offset + 512].fill(piece);
    }
    assert_eq!(passwd, want);
    assert_eq!(files.group.as_deref(), Some(b"behind".as_slice()));

    block[386..398].copy_from_slice(&number(2000));
    seal(&mut block);
    assert!(matches!(Image::default().tar(sparse(&block)).read(), Err(ImageError::Invalid { .. })));
}

/// In a PAX format the pieces lie there as if they were the file: it is refused, under its real name.
#[test]
fn sparse_files_of_the_pax_formats_are_refused_where_they_matter() {
    let map = format!("1\n0\n4\n{}root", "\0".repeat(506));
    let sparse = |name: &[u8]| {
        tar()
            .pax(&[
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", name),
                ("GNU.sparse.realsize", b"4"),
            ])
            .file("etc/GNUSparseFile.1/x", &map)
    };
    let error = Image::default().tar(sparse(b"etc/passwd")).passwd().unwrap_err();
    assert!(matches!(&error, ImageError::File { .. }), "{error}");
    assert_eq!(one(sparse(b"data").file("etc/passwd", "root")).as_deref(), Some("root"));
}

/// Real archives, where the machine has the program that makes most of them.
#[test]
fn what_gnu_tar_writes_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let etc = directory.path().join("etc");
    std::fs::create_dir(&etc).unwrap();
    let mut passwd = std::fs::File::create(etc.join("passwd")).unwrap();
    passwd.write_all(b"root").unwrap();
    passwd.set_len(1 << 20).unwrap();
    for format in ["oldgnu", "gnu", "pax"] {
        let output = std::process::Command::new("tar")
            .args(["--create", "--sparse", "--format", format, "--directory"])
            .arg(directory.path())
            .arg(".")
            .output();
        let Ok(output) = output else {
            say("SKIPPED: the comparison with GNU tar: tar is missing");
            return;
        };
        let answer = Image::default().layer(TAR, output.stdout).passwd();
        // The formats with a sparse form of their own, if the file system keeps the hole.
        if let (Err(ImageError::File { .. }), "pax") = (&answer, format) {
            continue;
        }
        let text = answer.unwrap().unwrap();
        assert!(text.starts_with("root") && text.len() == 1 << 20, "{format}: {}", text.len());
    }
}
