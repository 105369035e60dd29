//! PAX extended header records.
//!
//! Invariant: a record is as long as its number says. A line break inside a value (file capabilities
//! are binary) does not end it.

use super::invalid;
use std::io;

/// The records that change the name, the link or the size of an entry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// Whether the entry is sparse in one of the PAX formats.
    pub(super) sparse: bool,
    /// Its real name; the header of a sparse file has an invented one.
    pub(super) sparse_name: Option<Vec<u8>>,
}

impl Records {
    /// Reads all records. The last one of a key counts, and an empty value leaves the header's.
    pub(super) fn parse(mut text: &[u8]) -> io::Result<Self> {
        let mut records = Self::default();
        while !text.is_empty() {
            let (key, value, rest) = record(text).ok_or_else(|| invalid("malformed PAX record"))?;
            text = rest;
            let given = Some(value).filter(|value| !value.is_empty()).map(<[u8]>::to_vec);
            match key {
                b"path" => records.path = plain(given)?,
                b"linkpath" => records.link = plain(given)?,
                b"size" => records.size = given.as_deref().map(size).transpose()?,
                b"GNU.sparse.name" => records.sparse_name = plain(given)?,
                _ => {}
            }
            records.sparse |= key.starts_with(b"GNU.sparse.");
        }
        Ok(records)
    }
}

/// Key and value of the first record, and the text after it.
fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = text.iter().position(|byte| *byte == b' ')?;
    let length: usize = digits(&text[..space])?.try_into().ok()?;
    if length <= space + 1 || length > text.len() {
        return None;
    }
    let (record, rest) = text.split_at(length);
    let record = record[space + 1..].strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
    Some((&record[..equals], &record[equals + 1..], rest))
}

fn digits(text: &[u8]) -> Option<u64> {
    let decimal = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| decimal)?.parse().ok()
}

fn size(value: &[u8]) -> io::Result<u64> {
    digits(value).ok_or_else(|| invalid("PAX size is not a number"))
}

fn plain(value: Option<Vec<u8>>) -> io::Result<Option<Vec<u8>>> {
    match value {
        Some(value) if value.contains(&0) => Err(invalid("PAX path contains a NUL")),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_long_as_it_says() {
        let text = b"34 SCHILY.xattr.x=\n18 path=etc/a\n\n17 path=etc/real\n";
        let records = Records::parse(text).unwrap();
        assert_eq!(records.path.as_deref(), Some(b"etc/real".as_slice()));
        assert_eq!(Records::parse(b"13 size=4096\n").unwrap().size, Some(4096));
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for text in [
            b"path=x\n".as_slice(),
            b"9 path=x",
            b"99 path=x\n",
            b"3 path=x\n",
            b"0 \n",
            b"-1 a=b\n",
            b"5 =x\n",
            b"6 size\n",
            b"11 size=-1\n",
            b"12 size=0x1\n",
            b"10 path=\0\n",
            b"999999999999999999999999 a=b\n",
        ] {
            assert!(Records::parse(text).is_err(), "{text:?}");
        }
    }
}
