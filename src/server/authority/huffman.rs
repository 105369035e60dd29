//! The Huffman code of HPACK (RFC 7541, appendix B).
//!
//! Invariant: the code is canonical, so it follows from its lengths: the codes of one length count up in the order
//! of their symbols, and continue from the shorter ones.

/// The longest code, in bits.
const LONGEST: usize = 30;

/// The length of each byte's code, in bits.
#[rustfmt::skip]
pub(super) const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/// The code that follows from the lengths.
struct Code {
    /// Each byte's code, in the low bits.
    codes: [u32; 256],
    /// The bytes, those with the shorter codes first.
    order: [u8; 256],
    /// By length: the first code, and the position of its bytes in `order`.
    first: [(u32, usize); LONGEST + 1],
    /// By length: the number of bytes.
    count: [u32; LONGEST + 1],
}

static CODE: Code = derive();

const fn derive() -> Code {
    let mut code = Code {
        codes: [0; 256],
        order: [0; 256],
        first: [(0, 0); LONGEST + 1],
        count: [0; LONGEST + 1],
    };
    let (mut next, mut placed, mut length) = (0, 0, 1);
    while length <= LONGEST {
        next <<= 1;
        code.first[length] = (next, placed);
        let mut byte = 0;
        while byte < 256 {
            if LENGTHS[byte] as usize == length {
                code.codes[byte] = next;
                code.order[placed] = byte as u8;
                code.count[length] += 1;
                next += 1;
                placed += 1;
            }
            byte += 1;
        }
        length += 1;
    }
    code
}

/// The length of a byte's code, in bits.
pub(super) fn length(byte: u8) -> usize {
    usize::from(LENGTHS[usize::from(byte)])
}

/// Decodes, or returns nothing for an invalid encoding: the padding at the end must be shorter than a byte and all
/// ones.
pub(super) fn decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(encoded.len() * 8 / 5);
    let (mut bits, mut length) = (0, 0);
    for byte in encoded {
        for shift in (0..8).rev() {
            bits = bits << 1 | u32::from(byte >> shift & 1);
            length += 1;
            if length > LONGEST {
                return None;
            }
            let (first, placed) = CODE.first[length];
            // A code of this length is never below the first one: a shorter code would have matched.
            let nth = bits - first;
            if nth < CODE.count[length] {
                decoded.push(CODE.order[placed + nth as usize]);
                (bits, length) = (0, 0);
            }
        }
    }
    (length < 8 && bits == (1 << length) - 1).then_some(decoded)
}

/// Encodes into bytes; the encoding must fill them except for less than one byte of padding.
pub(super) fn encode(decoded: &[u8], encoded: &mut [u8]) {
    let mut free = encoded.iter_mut();
    let (mut bits, mut length) = (0_u64, 0);
    for byte in decoded {
        bits = bits << self::length(*byte) | u64::from(CODE.codes[usize::from(*byte)]);
        length += self::length(*byte);
        while length >= 8 {
            length -= 8;
            if let Some(place) = free.next() {
                *place = (bits >> length) as u8;
            }
        }
        bits &= (1 << length) - 1;
    }
    if let Some(place) = free.next() {
        *place = (bits << (8 - length)) as u8 | 0xff >> length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(decoded: &[u8]) -> Vec<u8> {
        let bits: usize = decoded.iter().map(|byte| length(*byte)).sum();
        let mut bytes = vec![0; bits.div_ceil(8)];
        encode(decoded, &mut bytes);
        bytes
    }

    #[test]
    fn the_examples_of_the_rfc() {
        for (plain, code) in [
            ("www.example.com", "f1e3c2e5f23a6ba0ab90f4ff"),
            ("no-cache", "a8eb10649cbf"),
            ("custom-key", "25a849e95ba97d7f"),
            ("Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"),
        ] {
            assert_eq!(hex::encode(encoded(plain.as_bytes())), code);
            assert_eq!(decode(&hex::decode(code).unwrap()).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn the_code_is_that_of_an_independent_implementation() {
        for byte in 0..=255 {
            let mut theirs = Vec::new();
            httlib_hpack::Encoder::default()
                .encode((vec![b'a'], vec![byte; 8], 0x2), &mut theirs)
                .unwrap();
            let value = theirs.split_off(4);
            assert_eq!(encoded(&[byte; 8]), value);
            assert_eq!(decode(&value).unwrap(), [byte; 8]);
        }
    }

    #[test]
    fn bad_padding_and_the_end_symbol_are_refused() {
        // "a" is 00011; what follows must be ones, and fewer than eight.
        assert_eq!(decode(&[0b0001_1111]).unwrap(), b"a");
        assert_eq!(decode(&[0b0001_1110]), None);
        assert_eq!(decode(&[0b0001_1111, 0xff]), None);
        assert_eq!(decode(&[0xff; 4]), None);
        assert_eq!(decode(&[]).unwrap(), b"");
    }
}
