//! One value of `:authority`: whether h2 would refuse it, and its replacement.
//!
//! No code of specd reads an authority, so the replacement only has to be legal.

use crate::server::authority::huffman;
use http::uri::Authority;

/// The replacements of illegal bytes: for each length of a Huffman code a legal byte, by increasing length.
const LEGAL: [(usize, u8); 7] =
    [(5, b'a'), (6, b'-'), (7, b'x'), (8, b'X'), (10, b'!'), (11, b'+'), (13, b'~')];

/// The length of the longest code of a legal byte.
const LONGEST: usize = 13;

/// Whether a byte may be anywhere in an authority: RFC 3986's `unreserved` and `sub-delims`.
fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

/// Whether h2 would refuse a value. It also refuses the empty one, which cannot be rewritten.
fn is_refused(value: &[u8]) -> bool {
    !value.is_empty() && Authority::try_from(value).is_err()
}

/// Rewrites a plain value in place, if h2 would refuse it.
pub(super) fn plain(value: &mut [u8]) {
    if is_refused(value) {
        for byte in value.iter_mut().filter(|byte| !is_legal(**byte)) {
            *byte = b'-';
        }
    }
}

/// Rewrites a Huffman-coded value in place, if h2 would refuse it.
///
/// An invalid code is left unchanged, and so is a value that is mostly outside of ASCII: its codes are so long that
/// no legal value with the same number of characters fills the same bytes.
pub(super) fn huffman_coded(encoded: &mut [u8]) {
    let Some(mut value) = huffman::decode(encoded) else { return };
    if is_refused(&value) && fit(&mut value, encoded.len() * 8) {
        huffman::encode(&value, encoded);
    }
}

/// Makes a value legal, with codes that fill the bits except for less than a byte of padding. False if that is
/// impossible.
fn fit(value: &mut [u8], bits: usize) -> bool {
    for byte in value.iter_mut().filter(|byte| !is_legal(**byte)) {
        let length = huffman::length(*byte);
        *byte = LEGAL.iter().rev().find(|(legal, _)| *legal <= length).map_or(b'a', |(_, by)| *by);
    }
    let length: usize = value.iter().map(|byte| huffman::length(*byte)).sum();
    let mut missing = bits.saturating_sub(7).saturating_sub(length);
    for byte in value {
        if missing == 0 {
            break;
        }
        // No step is longer than eight bits, so the last one fills the padding without an overflow.
        let length = huffman::length(*byte);
        let wanted = (length + missing).min(LONGEST);
        if let Some((longer, by)) = LEGAL.iter().find(|(legal, _)| *legal >= wanted)
            && *longer > length
        {
            *byte = *by;
            missing = missing.saturating_sub(longer - length);
        }
    }
    missing == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coded(value: &[u8]) -> Vec<u8> {
        let bits: usize = value.iter().map(|byte| huffman::length(*byte)).sum();
        let mut encoded = vec![0; bits.div_ceil(8)];
        huffman::encode(value, &mut encoded);
        encoded
    }

    #[track_caller]
    fn mended(value: &str) -> String {
        let mut bytes = value.as_bytes().to_vec();
        plain(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_path_becomes_a_name() {
        assert_eq!(mended("/run/specd/specd.sock"), "-run-specd-specd.sock");
        assert_eq!(mended("%2Frun%2Fspecd.sock"), "-2Frun-2Fspecd.sock");
        assert_eq!(mended("unix:///a b"), "unix----a-b");
        assert_eq!(mended("/é"), "---");
    }

    #[test]
    fn what_is_accepted_stays() {
        for value in ["localhost", "localhost:50051", "[::1]:1", "a@b", "127.0.0.1", ""] {
            assert_eq!(mended(value), value);
            let mut encoded = coded(value.as_bytes());
            huffman_coded(&mut encoded);
            assert_eq!(encoded, coded(value.as_bytes()));
        }
    }

    #[test]
    fn each_legal_byte_is_accepted_and_its_place_is_taken_by_one_of_its_length() {
        for byte in (0..=255).filter(|byte| is_legal(*byte)) {
            assert!(!is_refused(&[byte]), "{}", byte as char);
            assert!(LEGAL.iter().any(|(length, _)| *length == huffman::length(byte)));
        }
        for (length, byte) in LEGAL {
            assert!(is_legal(byte));
            assert_eq!(huffman::length(byte), length);
        }
    }

    #[test]
    fn a_coded_path_becomes_a_name() {
        let mut encoded = coded(b"/run/specd/specd.sock");
        huffman_coded(&mut encoded);
        assert_eq!(huffman::decode(&encoded).unwrap(), b"-run-specd-specd.sock");
    }

    #[test]
    fn a_value_that_no_legal_one_can_replace_stays() {
        let value = [0xf9; 8];
        let mut encoded = coded(&value);
        huffman_coded(&mut encoded);
        assert_eq!(encoded, coded(&value));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn any_plain_value_is_accepted_afterwards(
            mut value in prop::collection::vec(any::<u8>(), 1..60)
        ) {
            let length = value.len();
            plain(&mut value);
            prop_assert_eq!(value.len(), length);
            prop_assert!(!is_refused(&value));
        }

        /// Left refused only if the longest legal codes would not fill the bytes.
        #[test]
        fn a_coded_value_keeps_both_lengths(
            value in prop::collection::vec(
                prop_oneof![8 => 0x20_u8..0x7f, 1 => any::<u8>()], 1..60
            )
        ) {
            let mut encoded = coded(&value);
            let bytes = encoded.len();
            huffman_coded(&mut encoded);
            prop_assert_eq!(encoded.len(), bytes);
            let after = huffman::decode(&encoded).unwrap();
            prop_assert_eq!(after.len(), value.len());
            let cannot = value.len() * LONGEST + 7 < bytes * 8;
            if is_refused(&value) && !cannot {
                prop_assert!(!is_refused(&after));
            } else {
                prop_assert_eq!(&after, &value);
            }
        }
    }
}
