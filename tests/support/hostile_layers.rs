//! Layers that cost much to read, in few bytes.

#![allow(dead_code, reason = "each program that includes this uses some of it")]

use crate::support::archive::{Tar, header};

const ZEROS: u64 = 1 << 30;

/// An archive with a file of zeros, of which each mebibyte is a gzip member or a zstd frame of its own.
pub(crate) fn zeros(name: &str, pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let head = pack(&header(b'0', name, "", ZEROS));
    let mebibyte = pack(&vec![0; 1 << 20]);
    let end = pack(&Tar::default().file("etc/group", "behind").end());
    [head, mebibyte.repeat(usize::try_from(ZEROS >> 20).unwrap()), end].concat()
}

/// A zstd frame with a stated window and one block of bytes as they are.
pub(crate) fn frame(window_log: u8, bytes: &[u8]) -> Vec<u8> {
    let block = u32::try_from(bytes.len()).unwrap() << 3 | 1;
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
    [head.as_slice(), &block.to_le_bytes()[..3], bytes].concat()
}

/// A frame with a file of zeros, of which each 128 KiB take four bytes.
pub(crate) fn long_zeros(window_log: u8, length: u32) -> Vec<u8> {
    let block = |bytes: u32, kind: u32, last: u32| (bytes << 3 | kind << 1 | last).to_le_bytes();
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
    let start = header(b'0', "zeros", "", u64::from(length));
    let mut bytes = [head.as_slice(), &block(512, 0, 0)[..3], &start].concat();
    for _ in 0..length >> 17 {
        bytes.extend_from_slice(&[&block(1 << 17, 1, 0)[..3], &[0]].concat());
    }
    let end = Tar::default().file("etc/passwd", "root").end();
    [bytes.as_slice(), &block(u32::try_from(end.len()).unwrap(), 0, 1)[..3], &end].concat()
}

/// A chain of links and so many entries that are each reached through it, all at the end of a path as long as one can be.
pub(crate) fn chain_of_links(entries: usize) -> Vec<u8> {
    let deep = "d/".repeat(1900);
    let mut layer = Tar::default();
    for at in 0..250 {
        let (path, target) = (format!("{deep}{at}"), format!("/{deep}{}", at + 1));
        let records: [(&str, &[u8]); 2] =
            [("path", path.as_bytes()), ("linkpath", target.as_bytes())];
        layer = layer.pax(&records).symlink("x", "y");
    }
    let entry = format!("{deep}0/x");
    let record: [(&str, &[u8]); 1] = [("path", entry.as_bytes())];
    layer = layer.pax(&record).file("x", "").file("etc/passwd", "root");
    for _ in 1..entries {
        layer = layer.pax(&record).file("x", "");
    }
    layer.end()
}
