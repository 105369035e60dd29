//! The fields of a tar header block, in the formats that containerd's reader knows.

use super::invalid;
use std::io;

/// The format of a header; it decides what follows byte 257.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// One block of 512 bytes.
pub(super) struct Block(pub(super) [u8; 512]);

impl Block {
    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Whether the checksum is the sum of the bytes, unsigned or, by old writers, signed.
    pub(super) fn checksum_fits(&self) -> bool {
        let others = || self.0[..148].iter().chain(&self.0[156..]);
        let unsigned = others().map(|byte| i64::from(*byte)).sum::<i64>() + 8 * 32;
        let signed = others().map(|byte| i64::from(byte.cast_signed())).sum::<i64>() + 8 * 32;
        octal(&self.0[148..156])
            .and_then(|sum| i64::try_from(sum).ok())
            .is_some_and(|sum| sum == unsigned || sum == signed)
    }

    pub(super) fn format(&self) -> Format {
        match (&self.0[257..263], &self.0[263..265], &self.0[508..]) {
            (b"ustar\0", _, b"tar\0") => Format::Star,
            (b"ustar\0", ..) => Format::Ustar,
            (b"ustar ", b" \0", _) => Format::Gnu,
            _ => Format::V7,
        }
    }

    pub(super) fn flag(&self) -> u8 {
        self.0[156]
    }

    pub(super) fn size(&self) -> io::Result<u64> {
        number(&self.0[124..136]).ok_or_else(|| invalid("tar header has no valid size"))
    }

    pub(super) fn link(&self) -> Vec<u8> {
        text(&self.0[157..257]).to_vec()
    }

    pub(super) fn name(&self) -> Vec<u8> {
        let prefix = match self.format() {
            Format::V7 => b"".as_slice(),
            Format::Ustar => text(&self.0[345..500]),
            Format::Star => text(&self.0[345..476]),
            // GNU has times here, but headers written by Go before version 1.8 have a prefix.
            Format::Gnu if number(&self.0[345..357]).is_none() => {
                Some(text(&self.0[345..500])).filter(|text| text.is_ascii()).unwrap_or_default()
            }
            Format::Gnu => b"",
        };
        let name = text(&self.0[..100]);
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    pub(super) fn sparse_size(&self) -> io::Result<u64> {
        number(&self.0[483..495]).ok_or_else(|| invalid("sparse tar entry has no valid size"))
    }

    /// Up to `count` pairs of offset and length; an empty pair ends them.
    pub(super) fn sparse_pieces(&self, start: usize, count: usize) -> io::Result<Vec<(u64, u64)>> {
        let pairs = self.0[start..start + count * 24].chunks_exact(24);
        pairs
            .take_while(|pair| pair[0] != 0)
            .map(|pair| Some((number(&pair[..12])?, number(&pair[12..])?)))
            .collect::<Option<_>>()
            .ok_or_else(|| invalid("sparse map of a tar entry has an invalid number"))
    }
}

/// A text up to its NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number: in base 256 if the first bit is set, else octal. Negative numbers are invalid.
fn number(field: &[u8]) -> Option<u64> {
    let Some((first, rest)) = field.split_first().filter(|(first, _)| **first & 0x80 != 0) else {
        return octal(field);
    };
    if first & 0x40 != 0 {
        return None;
    }
    rest.iter().try_fold(u64::from(first & 0x3f), |sum, byte| {
        sum.checked_mul(256).map(|sum| sum | u64::from(*byte))
    })
}

/// An octal number between spaces and NULs; an empty field is 0.
fn octal(field: &[u8]) -> Option<u64> {
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !blank(byte)).unwrap_or(field.len());
    let end = field.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    text(&field[start..end]).iter().try_fold(0_u64, |sum, byte| match byte {
        b'0'..=b'7' => sum.checked_mul(8).map(|sum| sum + u64::from(byte - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        for (field, value) in [
            (b"00000000644\0".as_slice(), Some(0o644)),
            (b"     644 \0\0\0", Some(0o644)),
            (b"\0\0\0\0", Some(0)),
            (b"77777777777\0", Some(0o77_777_777_777)),
            (b"\x80\0\0\0\0\0\0\x02\0\0\0\0", Some(0x02_0000_0000)),
            (b"\x80\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"-1", None),
            (b"8", None),
            (b"0x10", None),
        ] {
            assert_eq!(number(field), value, "{field:?}");
        }
    }
}
