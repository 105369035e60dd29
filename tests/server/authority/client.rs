//! What clients send: fields encoded in any way that HPACK has, in frames cut in any way that HTTP/2 has.

use crate::authority::random::Random;
use crate::support::http2::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, PADDED, PING, PREFACE, PRIORITY, WINDOW_UPDATE, frame,
};
use httlib_hpack::Encoder;

/// A whole stream of one call with one block of headers.
pub(crate) fn one_block(block: &[u8]) -> Vec<u8> {
    [PREFACE, &frame(4, 0, 0, &[]), &frame(HEADERS, END_HEADERS, 1, block)].concat()
}

/// An authority as some client might send it, refused or not.
fn authority(random: &mut Random) -> Vec<u8> {
    let any = |random: &mut Random, from: &[u8]| -> Vec<u8> {
        let length = 1 + random.below(40);
        (0..length).map(|_| random.pick(from)).collect()
    };
    match random.below(8) {
        0 => b"localhost".to_vec(),
        1 => b"[::1]:50051".to_vec(),
        2 => b"%2Frun%2Fspecd%2Fspecd.sock".to_vec(),
        3 => b"unix:///run/specd/specd.sock".to_vec(),
        4 => any(random, b"abcxyz0123456789/:%@-_.~ []{}<>\\^|#?\"`"),
        5 => any(random, b"aeiost012/"),
        6 => {
            let mut path = "/rün/dämon/".repeat(1 + random.below(3)).into_bytes();
            path.extend(any(random, b"abc\xff\0\x7f/"));
            path
        }
        _ => format!("/run/{}/specd.sock", random.below(3)).into_bytes(),
    }
}

/// One block, with now and then what fills the dynamic table and drives the authority out of it.
fn block(encoder: &mut Encoder<'_>, random: &mut Random) -> Vec<u8> {
    let mut block = Vec::new();
    if random.once_in(12) {
        let size = random.pick(&[0, 64, 200, 1_000, 4_096]);
        encoder.update_max_dynamic_size(size, &mut block).unwrap();
    }
    let mut fields = vec![
        (b":method".to_vec(), b"POST".to_vec()),
        (b":path".to_vec(), format!("/a.v1.B/{}", random.below(5)).into_bytes()),
        (b"te".to_vec(), b"trailers".to_vec()),
        (b"grpc-timeout".to_vec(), format!("{}m", random.below(1_000)).into_bytes()),
    ];
    if random.once_in(6) {
        let value = vec![random.pick(b"a/:z~"); random.below(900)];
        fields.push((b"x-large".to_vec(), value));
    }
    if random.once_in(6) {
        // Near misses: the name or the value of an authority, elsewhere.
        fields.push((b"authority".to_vec(), b"/run/specd.sock".to_vec()));
        fields.push((b"x".to_vec(), b":authority".to_vec()));
    }
    fields.insert(random.below(3), (b":authority".to_vec(), authority(random)));
    for (name, value) in fields {
        let huffman = random.pick(&[0, Encoder::HUFFMAN_NAME, Encoder::HUFFMAN_VALUE, 3]);
        let kind = random.pick(&[
            Encoder::BEST_FORMAT | Encoder::WITH_INDEXING,
            Encoder::BEST_FORMAT | Encoder::WITH_INDEXING,
            Encoder::BEST_FORMAT | Encoder::NEVER_INDEXED,
            Encoder::BEST_FORMAT,
            Encoder::WITH_INDEXING,
            Encoder::NEVER_INDEXED,
            0,
        ]);
        encoder.encode((name, value, huffman | kind), &mut block).unwrap();
    }
    block
}

/// The frames of a block, padded, with a priority and cut as it happens.
fn framed(block: &[u8], stream: u32, random: &mut Random) -> Vec<u8> {
    let mut flags = 0;
    let mut payload = Vec::new();
    let pad = random.below(20);
    if random.once_in(4) {
        flags |= PADDED;
        payload.push(u8::try_from(pad).unwrap());
    }
    if random.once_in(4) {
        flags |= PRIORITY;
        payload.extend([0, 0, 0, 0, 7]);
    }
    let mut pieces = vec![block];
    while random.once_in(3) {
        let last = pieces.pop().unwrap();
        let (piece, rest) = last.split_at(random.below(last.len() + 1));
        pieces.extend([piece, rest]);
    }
    let mut frames = Vec::new();
    for (nth, piece) in pieces.iter().enumerate() {
        let end = if nth + 1 == pieces.len() { END_HEADERS } else { 0 };
        if nth > 0 {
            frames.extend(frame(CONTINUATION, end, stream, piece));
            continue;
        }
        payload.extend(*piece);
        if flags & PADDED != 0 {
            // What the padding is must not matter.
            payload.extend(vec![0x41; pad]);
        }
        frames.extend(frame(HEADERS, flags | end, stream, &payload));
    }
    frames
}

/// All that a client says on a connection of so many calls.
pub(crate) fn connection(calls: u32, random: &mut Random) -> Vec<u8> {
    let mut encoder = Encoder::with_dynamic_size(4_096);
    let mut bytes = [PREFACE, &frame(4, 0, 0, &[])].concat();
    for call in 0..calls {
        let stream = call * 2 + 1;
        let block = block(&mut encoder, random);
        bytes.extend(framed(&block, stream, random));
        // Looks like a header block, and is a message.
        let mut message = vec![0; random.below(60)];
        message.extend(frame(HEADERS, END_HEADERS, stream, b"\x01\x01/"));
        bytes.extend(frame(DATA, 1, stream, &message));
        if random.once_in(5) {
            bytes.extend(frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0]));
            bytes.extend(frame(PING, 0, 0, &[1; 8]));
        }
    }
    bytes
}
