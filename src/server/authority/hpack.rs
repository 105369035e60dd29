//! A header block (RFC 7541, section 6): its fields in order, and the position of `:authority`.
//!
//! A field includes its own length, so no dynamic table is kept. The value of an indexed field was sent as a
//! literal before, and was mended then.

use crate::server::authority::{huffman, mend};
use std::ops::Range;

/// The static table's entry for `:authority`.
const AUTHORITY_INDEX: usize = 1;

/// A literal in a block.
struct Literal {
    bytes: Range<usize>,
    is_coded: bool,
}

/// Why the rest of a block cannot be read.
enum Stop {
    /// It ends inside a field.
    CutOff,
    /// It is not a header block.
    Malformed,
}

/// Rewrites, in place, each authority of a block that h2 would refuse.
///
/// A whole block is left unchanged if any part of it is malformed. Of an incomplete block, the complete fields
/// are mended.
pub(super) fn mend_block(block: &mut [u8], is_whole: bool) {
    let mut authorities = Vec::new();
    let mut fields = Fields { block, at: 0 };
    while fields.at < fields.block.len() {
        match fields.next_authority() {
            Ok(Some(authority)) => authorities.push(authority),
            Ok(None) => {}
            Err(Stop::CutOff) if !is_whole => break,
            Err(_) => return,
        }
    }
    for Literal { bytes, is_coded } in authorities {
        let value = &mut block[bytes];
        if is_coded { mend::huffman_coded(value) } else { mend::plain(value) }
    }
}

/// The rest of a block.
struct Fields<'a> {
    block: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    /// Skips a field, and returns its value if it is a literal `:authority`.
    fn next_authority(&mut self) -> Result<Option<Literal>, Stop> {
        let first = *self.block.get(self.at).ok_or(Stop::CutOff)?;
        let index_bits = match first {
            0x80.. => {
                self.integer(7)?;
                return Ok(None);
            }
            0x40.. => 6,
            0x20.. => {
                self.integer(5)?;
                return Ok(None);
            }
            _ => 4,
        };
        let is_authority = match self.integer(index_bits)? {
            0 => {
                let name = self.literal()?;
                self.is_authority(&name)
            }
            index => index == AUTHORITY_INDEX,
        };
        let value = self.literal()?;
        Ok(is_authority.then_some(value))
    }

    fn is_authority(&self, name: &Literal) -> bool {
        const NAME: &[u8] = b":authority";
        let bytes = &self.block[name.bytes.clone()];
        if name.is_coded {
            bytes.len() <= NAME.len() && huffman::decode(bytes).as_deref() == Some(NAME)
        } else {
            bytes == NAME
        }
    }

    /// An integer in the low bits of a byte; large ones have more bytes.
    fn integer(&mut self, bits: u32) -> Result<usize, Stop> {
        let most = (1_usize << bits) - 1;
        let mut value = usize::from(self.byte()?) & most;
        if value < most {
            return Ok(value);
        }
        // h2 accepts at most four more bytes, which is enough for every length that fits in here.
        for shift in [0, 7, 14, 21] {
            let byte = usize::from(self.byte()?);
            value += (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Stop::Malformed)
    }

    fn literal(&mut self) -> Result<Literal, Stop> {
        let is_coded = self.block.get(self.at).is_some_and(|byte| *byte >= 0x80);
        let length = self.integer(7)?;
        let bytes = self.at..self.at + length;
        if bytes.end > self.block.len() {
            return Err(Stop::CutOff);
        }
        self.at = bytes.end;
        Ok(Literal { bytes, is_coded })
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = self.block.get(self.at).ok_or(Stop::CutOff)?;
        self.at += 1;
        Ok(*byte)
    }
}
