//! What is no HTTP/2 or no HPACK goes on as it came: h2 refuses it as it would without the filter.

use crate::authority::client::{connection, one_block};
use crate::authority::random::Random;
use crate::authority::read::{Cuts, filtered};
use crate::support::fuzz::cases;
use crate::support::http2::{
    CONTINUATION, END_HEADERS, HEADERS, PADDED, PING, PREFACE, PRIORITY, frame,
};

/// A literal `:authority` that would be refused, by its index and not kept in the table.
const AUTHORITY: &[u8] = b"\x01\x05/a/b/";

#[track_caller]
fn stays(bytes: &[u8]) {
    for cuts in [Cuts::None, Cuts::Bytes, Cuts::Random(1)] {
        assert_eq!(filtered(bytes, cuts), bytes, "{cuts:?}");
    }
}

#[test]
fn the_authority_of_these_tests_is_mended_where_all_is_well() {
    let want = one_block(b"\x01\x05-a-b-");
    for cuts in [Cuts::None, Cuts::Bytes, Cuts::Random(1)] {
        assert_eq!(filtered(&one_block(AUTHORITY), cuts), want);
    }
}

#[test]
fn a_malformed_block_stays() {
    let after: [&[u8]; 7] = [
        b"\x01",                             // a literal without a value
        b"\x01\x7f",                         // a length that is cut off
        b"\x01\x05/a/b",                     // a value that is cut off
        b"\x00\x0a:authorit",                // a name that is cut off
        b"\x7f\xff\xff\xff\xff\xff\xff\x01", // an index that is too large
        b"\xff",                             // an index that is cut off
        b"\x3f\x80\x80\x80\x80\x80\x80",     // a size that never ends
    ];
    for after in after {
        stays(&one_block(&[AUTHORITY, after].concat()));
    }
}

#[test]
fn a_value_that_is_no_huffman_code_stays() {
    stays(&one_block(b"\x01\x82\xff\xff"));
    // "/" and then zeroes as padding.
    stays(&one_block(b"\x01\x81\x60"));
}

#[test]
fn an_empty_value_stays() {
    stays(&one_block(b"\x01\x00"));
    stays(&one_block(b"\x01\x80"));
}

#[test]
fn what_does_not_start_as_http_2_stays() {
    let mended = frame(HEADERS, END_HEADERS, 1, AUTHORITY);
    stays(b"");
    stays(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r");
    stays(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r!".as_slice(), &mended].concat());
    stays(&[b"GET / HTTP/1.1\r\nHost: /a/b\r\n\r\n".as_slice(), &mended].concat());
}

#[test]
fn frames_that_break_the_rules_stay_and_nothing_after_them_is_touched() {
    let good = frame(HEADERS, END_HEADERS, 3, AUTHORITY);
    let begun = frame(HEADERS, 0, 1, AUTHORITY);
    let broken = [
        [begun.clone(), frame(PING, 0, 0, &[0; 8])].concat(),
        [begun.clone(), frame(HEADERS, END_HEADERS, 1, &[])].concat(),
        [begun.clone(), frame(CONTINUATION, END_HEADERS, 5, &[])].concat(),
        // More padding than there is room for, and no room for what is announced.
        frame(HEADERS, END_HEADERS | PADDED, 1, &[&[9], AUTHORITY].concat()),
        frame(HEADERS, END_HEADERS | PADDED, 1, &[]),
        frame(HEADERS, END_HEADERS | PRIORITY, 1, &[1, 2]),
    ];
    for broken in broken {
        stays(&[PREFACE, &broken, &good].concat());
    }
}

#[test]
fn a_stream_that_ends_in_a_block_or_a_frames_head_stays() {
    let begun = [PREFACE, &frame(HEADERS, 0, 1, AUTHORITY)].concat();
    stays(&begun);
    let next = frame(CONTINUATION, END_HEADERS, 1, b"\x82");
    for length in 1..next.len() {
        stays(&[&begun, &next[..length]].concat());
    }
}

#[test]
fn fuzzed_streams_go_out_alike_however_they_are_cut() {
    for seed in 0..cases(600).cases.into() {
        let mut random = Random(seed);
        let mut bytes = connection(12, &mut random);
        for _ in 0..1 + random.below(6) {
            let at = random.below(bytes.len());
            bytes[at] = u8::try_from(random.below(256)).unwrap();
        }
        bytes.truncate(bytes.len() - random.below(40));
        let whole = filtered(&bytes, Cuts::None);
        assert_eq!(whole, filtered(&bytes, Cuts::Random(seed)), "seed {seed}");
        assert_eq!(whole, filtered(&bytes, Cuts::Bytes), "seed {seed}");
    }
}
