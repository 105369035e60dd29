//! Whole connections: nothing but the authority differs, however they are cut.

use crate::authority::client::connection;
use crate::authority::random::Random;
use crate::authority::read::{Cuts, filtered};
use crate::support::http2::{CONTINUATION, DATA, HEADERS, PADDED, PREFACE, PRIORITY};
use httlib_hpack::Encoder;
use http::uri::Authority;
use std::sync::atomic::{AtomicUsize, Ordering};

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// A connection's header blocks, and all else.
fn taken_apart(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut left = bytes.strip_prefix(PREFACE).unwrap();
    let (mut blocks, mut others) = (Vec::new(), Vec::new());
    while !left.is_empty() {
        let length = usize::from(left[1]) << 8 | usize::from(left[2]);
        let (kind, flags) = (left[3], left[4]);
        let payload = &left[9..9 + length];
        others.extend(&left[..9]);
        left = &left[9 + length..];
        match kind {
            HEADERS => {
                let mut start = 0;
                let mut end = length;
                if flags & PADDED != 0 {
                    end -= usize::from(payload[0]);
                    start += 1;
                }
                if flags & PRIORITY != 0 {
                    start += 5;
                }
                blocks.push(payload[start..end].to_vec());
                others.extend(&payload[..start]);
                others.extend(&payload[end..]);
            }
            CONTINUATION => blocks.last_mut().unwrap().extend(payload),
            _ => {
                assert!(kind != DATA || !payload.is_empty());
                others.extend(payload);
            }
        }
    }
    (blocks, others)
}

/// An HPACK decoder that is not specd's: two, of which one is quick.
enum Decoder {
    Httlib(httlib_hpack::Decoder<'static>),
    Loona(loona_hpack::Decoder<'static>),
}

impl Decoder {
    fn of(seed: u64) -> Self {
        if seed.is_multiple_of(50) {
            Self::Loona(loona_hpack::Decoder::new())
        } else {
            Self::Httlib(httlib_hpack::Decoder::with_dynamic_size(4_096))
        }
    }

    fn decode(&mut self, block: &[u8]) -> Fields {
        match self {
            Self::Httlib(decoder) => {
                let mut fields = Vec::new();
                decoder.decode(&mut block.to_vec(), &mut fields).unwrap();
                fields.into_iter().map(|(name, value, _)| (name, value)).collect()
            }
            Self::Loona(decoder) => decoder.decode(block).unwrap(),
        }
    }
}

/// Each authority of a connection: as it came, and as it went on.
fn compare(before: &[u8], after: &[u8], seed: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
    let (before, others) = taken_apart(before);
    let (after, others_after) = taken_apart(after);
    assert_eq!(others, others_after);
    assert_eq!(before.len(), after.len());
    let (mut decoder, mut decoder_after) = (Decoder::of(seed), Decoder::of(seed));
    let mut authorities = Vec::new();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.len(), after.len());
        let before = decoder.decode(before);
        let after = decoder_after.decode(after);
        assert_eq!(before.len(), after.len());
        for ((name, value), (name_after, value_after)) in before.into_iter().zip(after) {
            assert_eq!(name, name_after);
            if name == b":authority" {
                authorities.push((value, value_after));
            } else {
                assert_eq!(value, value_after);
            }
        }
    }
    authorities
}

/// What was done to the authorities of many connections.
#[derive(Default)]
struct Tally {
    kept: AtomicUsize,
    mended: AtomicUsize,
    refused: AtomicUsize,
}

impl Tally {
    fn add(&self, before: &[u8], after: &[u8]) {
        assert_eq!(before.len(), after.len());
        let counter = if Authority::try_from(before).is_ok() {
            assert_eq!(before, after);
            &self.kept
        } else if Authority::try_from(after).is_ok() {
            &self.mended
        } else {
            // Only where the longest codes of legal bytes, 13 bits, do not fill as many bytes.
            assert_eq!(before, after);
            let bits = huffman_coded(before) * 8;
            assert!(before.len() * 13 + 7 < bits, "{before:?}");
            &self.refused
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many bytes a value takes, Huffman-coded.
fn huffman_coded(value: &[u8]) -> usize {
    let mut encoded = Vec::new();
    let field = (b"a".to_vec(), value.to_vec(), Encoder::HUFFMAN_VALUE);
    Encoder::default().encode(field, &mut encoded).unwrap();
    // Before it are a byte that says what it is, the name with its length, and a length.
    encoded.len() - 4
}

fn check(first_seed: u64, connections: u64, tally: &Tally) {
    for seed in first_seed..first_seed + connections {
        let mut random = Random(seed);
        let bytes = connection(64, &mut random);
        let whole = filtered(&bytes, Cuts::None);
        for (before, after) in compare(&bytes, &whole, seed) {
            tally.add(&before, &after);
        }
        assert_eq!(whole, filtered(&bytes, Cuts::Random(seed)), "seed {seed}");
        if seed.is_multiple_of(8) {
            assert_eq!(whole, filtered(&bytes, Cuts::Bytes), "seed {seed}");
        }
        // What was mended once is never touched again.
        assert_eq!(whole, filtered(&whole, Cuts::None), "seed {seed}");
    }
}

#[test]
fn only_the_authority_differs_over_hundreds_of_thousands_of_blocks_however_they_are_cut() {
    let tally = Tally::default();
    std::thread::scope(|scope| {
        for nth in 0..4 {
            let tally = &tally;
            scope.spawn(move || check(nth * 1_000_000, 800, tally));
        }
    });
    let [kept, mended, refused] =
        [tally.kept, tally.mended, tally.refused].map(AtomicUsize::into_inner);
    assert_eq!(kept + mended + refused, 4 * 800 * 64);
    assert!(
        kept > 20_000 && mended > 100_000 && refused < mended / 100,
        "{kept} {mended} {refused}"
    );
}
