//! At most 32 KiB of a block are held; what follows passes.

use crate::authority::read::{Cuts, filtered};
use crate::support::http2::{CONTINUATION, END_HEADERS, HEADERS, PREFACE, frame};
use specd::server::authority::Mended;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MOST_HELD: usize = 32 << 10;
const BEFORE: &[u8] = b"\x01\x05/a/b/";
const AFTER: &[u8] = b"\x01\x05-a-b-";

/// A literal `x` with so many bytes in its value.
fn large(bytes: usize) -> Vec<u8> {
    let mut field = vec![0, 1, b'x', 0x7f];
    let mut left = bytes - 0x7f;
    while left >= 0x80 {
        field.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
        left >>= 7;
    }
    field.push(u8::try_from(left).unwrap());
    field.resize(field.len() + bytes, b'/');
    field
}

/// A block in frames of a size.
fn framed(block: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = PREFACE.to_vec();
    let last = block.len().div_ceil(size) - 1;
    for (nth, piece) in block.chunks(size).enumerate() {
        let kind = if nth == 0 { HEADERS } else { CONTINUATION };
        let flags = if nth == last { END_HEADERS } else { 0 };
        bytes.extend(frame(kind, flags, 1, piece));
    }
    bytes
}

#[track_caller]
fn becomes(before: &[u8], after: &[u8]) {
    for cuts in [Cuts::None, Cuts::Bytes, Cuts::Random(1), Cuts::Random(2)] {
        assert!(filtered(before, cuts) == after, "{cuts:?}");
    }
}

#[test]
fn an_authority_before_large_metadata_is_mended() {
    for bytes in [8, 24, 31, 32, 33, 48, 200].map(|kib| kib << 10) {
        for size in [1_000, 16_384, 1 << 20] {
            let [before, after] = [BEFORE, AFTER].map(|authority| {
                let next = frame(HEADERS, END_HEADERS, 3, authority);
                [framed(&[authority, &large(bytes)].concat(), size), next].concat()
            });
            becomes(&before, &after);
        }
    }
}

#[test]
fn an_authority_behind_what_is_held_is_not_and_the_next_block_is() {
    let block = [large(MOST_HELD).as_slice(), BEFORE].concat();
    for size in [1_000, 16_384, 1 << 20] {
        let before = [framed(&block, size), frame(HEADERS, END_HEADERS, 3, BEFORE)].concat();
        let after = [framed(&block, size), frame(HEADERS, END_HEADERS, 3, AFTER)].concat();
        becomes(&before, &after);
    }
}

#[test]
fn the_last_byte_that_is_held_is_mended_and_the_first_that_is_not_is_not() {
    // Nine bytes for the head, and nine for the field beside its value.
    for (room, is_mended) in [(0, true), (1, false)] {
        let field = large(MOST_HELD - 9 - BEFORE.len() - 7 + room);
        let block = [&field, BEFORE].concat();
        assert_eq!(block.len() + 9, MOST_HELD + room);
        // More follows, so that the block as a whole is too large.
        let [before, after] = [BEFORE, if is_mended { AFTER } else { BEFORE }]
            .map(|authority| framed(&[&field, authority, b"\x82\x82"].concat(), 1 << 20));
        becomes(&before, &after);
    }
}

#[test]
fn a_flood_of_empty_continuations_is_let_go() {
    let mut before = [PREFACE, &frame(HEADERS, 0, 1, BEFORE)].concat();
    let mut after = [PREFACE, &frame(HEADERS, 0, 1, AFTER)].concat();
    for bytes in [&mut before, &mut after] {
        for _ in 0..10_000 {
            bytes.extend(frame(CONTINUATION, 0, 1, &[]));
        }
    }
    becomes(&before, &after);
}

/// While the client still talks, no more than the bound stays behind.
#[tokio::test]
async fn a_block_that_never_ends_is_held_no_longer_than_the_bound() {
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let mut server = Mended::new(server);
    let block = [PREFACE, &frame(HEADERS, 0, 1, &[BEFORE, &large(40 << 10)].concat())].concat();
    client.write_all(&block).await.unwrap();
    let mut read = vec![0; block.len()];
    server.read_exact(&mut read).await.unwrap();
    assert_eq!(&read[PREFACE.len() + 9..][..AFTER.len()], AFTER);
}

/// A call is not kept waiting for the next one.
#[tokio::test]
async fn what_is_whole_is_handed_out_at_once() {
    let (mut client, server) = tokio::io::duplex(1 << 10);
    let mut server = Mended::new(server);
    let call = frame(HEADERS, END_HEADERS, 1, AFTER);
    let begun = frame(HEADERS, END_HEADERS, 3, BEFORE);
    client.write_all(&[PREFACE, &call, &begun[..12]].concat()).await.unwrap();
    let mut read = vec![0; PREFACE.len() + call.len()];
    server.read_exact(&mut read).await.unwrap();
    assert_eq!(read, [PREFACE, &call].concat());
    client.write_all(&begun[12..]).await.unwrap();
    let mut read = vec![0; begun.len()];
    server.read_exact(&mut read).await.unwrap();
    assert_eq!(read, frame(HEADERS, END_HEADERS, 3, AFTER));
}
