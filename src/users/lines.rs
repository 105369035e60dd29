//! The lines of an account file, as Go's reader splits them.
//!
//! White space around a line is removed and empty lines are skipped; fields are separated by colons and may
//! be missing.

use crate::users::error::Cause;
use crate::users::user::Number;

/// A line of an account file.
pub(crate) struct Line<'a> {
    /// The path of the file, for errors.
    pub(crate) file: &'static str,
    /// The line's number, from 1.
    pub(crate) number: usize,
    text: &'a [u8],
}

/// The lines that are not empty, or the error of one that is too long.
pub(crate) fn read_lines<'a>(
    file: &'static str,
    bytes: &'a [u8],
    limit: usize,
) -> impl Iterator<Item = Result<Line<'a>, Cause>> {
    bytes.split(|byte| *byte == b'\n').enumerate().filter_map(move |(index, raw)| {
        let number = index + 1;
        if raw.len() >= limit {
            return Some(Err(Cause::LineTooLong { file, line: number, limit }));
        }
        let text = trim(raw);
        (!text.is_empty()).then_some(Ok(Line { file, number, text }))
    })
}

/// The bytes without Unicode's white space around them, as far as they are UTF-8.
///
/// containerd: `bytes.TrimSpace`.
fn trim(raw: &[u8]) -> &[u8] {
    // Most lines have nothing to remove, and account files of hostile images have a million of them.
    let is_plain = |byte: &u8| byte.is_ascii_graphic();
    if raw.first().is_some_and(is_plain) && raw.last().is_some_and(is_plain) {
        return raw;
    }
    let first = raw.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let text = &raw[first.len() - first.trim_start().len()..];
    let last = text.utf8_chunks().last().filter(|chunk| chunk.invalid().is_empty());
    let last = last.map_or("", |chunk| chunk.valid());
    &text[..text.len() - (last.len() - last.trim_end().len())]
}

impl<'a> Line<'a> {
    /// Whether the line starts with `#`.
    pub(crate) fn is_comment(&self) -> bool {
        self.text.starts_with(b"#")
    }

    /// Whether the line states no user of its own: a comment, or an entry of NIS.
    pub(crate) fn is_no_user(&self) -> bool {
        matches!(self.text.first(), Some(b'#' | b'+' | b'-'))
    }

    /// The field at an index; empty if the line ends before it.
    pub(crate) fn field(&self, index: usize) -> &'a [u8] {
        self.text.split(|byte| *byte == b':').nth(index).unwrap_or_default()
    }

    /// Whether a field is this number.
    pub(crate) fn is_id(&self, index: usize, id: u32) -> bool {
        self.number_at(index) == Number::Id(id)
    }

    /// The number in a field.
    pub(crate) fn number_at(&self, index: usize) -> Number {
        Number::read(self.field(index))
    }

    /// The uid or gid in a field, or the error that it is invalid.
    pub(crate) fn id_at(&self, index: usize, what: &'static str) -> Result<u32, Cause> {
        match self.number_at(index) {
            Number::Id(id) => Ok(id),
            Number::OutOfRange | Number::NotOne => Err(Cause::Untrusted {
                file: self.file,
                line: self.number,
                what,
                text: String::from_utf8_lossy(self.field(index)).chars().take(80).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_on_both_sides_wherever_the_line_is_no_text() {
        assert_eq!(trim("\u{b} \u{a0}root:x \u{85}\t\r".as_bytes()), b"root:x");
        assert_eq!(trim(b"\xc2\xa0root\xff:x \x0b"), b"root\xff:x");
        assert_eq!(trim(b" \x80 root \x80 "), b"\x80 root \x80");
        assert_eq!(trim(b" \t "), b"");
        assert_eq!(trim(b""), b"");
    }
}
