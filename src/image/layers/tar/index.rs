//! Where the files of an archive are, so that they can be read in place.

use super::{Entries, Kind, Layout, invalid};
use std::io::{self, Read, Seek, SeekFrom};

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The name, not cleaned.
    pub(crate) name: Vec<u8>,
    /// Where its bytes begin.
    pub(crate) offset: u64,
    /// How many there are.
    pub(crate) size: u64,
}

/// Every file of an archive, in its order. Contents are skipped, not read.
///
/// # Errors
///
/// The errors of the archive, and [`io::ErrorKind::InvalidData`] for an invalid one and for one with more than `most`
/// entries.
pub(crate) fn index(mut archive: impl Read + Seek, most: usize) -> io::Result<Vec<Stored>> {
    let end = archive.seek(SeekFrom::End(0))?;
    archive.rewind()?;
    let mut entries = Entries::new(archive);
    let mut files = Vec::new();
    let mut count = 0;
    while let Some(entry) = entries.next()? {
        count += 1;
        if count > most {
            return Err(invalid("tar has too many entries"));
        }
        let offset = entries.inner.stream_position()?;
        if end.saturating_sub(offset) < entries.data {
            return Err(invalid("tar ends inside an entry"));
        }
        let left = i64::try_from(entries.data + entries.padding).map_err(io::Error::other)?;
        entries.inner.seek(SeekFrom::Current(left))?;
        (entries.data, entries.padding) = (0, 0);
        if entry.kind == Kind::Regular && entry.layout == Layout::Plain {
            files.push(Stored { name: entry.name, offset, size: entry.size });
        }
    }
    Ok(files)
}
