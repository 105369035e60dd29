//! Reads a tar stream entry by entry, as containerd's reader does. `apply` decides what an entry does.
//!
//! No tar library is used, because two readers that disagree on where an entry begins see two different
//! images (CVE-2025-62518), and a hostile archive must neither end a PAX record early (a line break inside
//! an extended attribute) nor fill the memory (a name of gigabytes, a sparse map without end).
//!
//! Invariant: besides the content that a caller asks for, at most [`EXTENSION_BYTES`] are held for each
//! kind of extension of one entry.

mod header;
mod index;
mod pax;

pub(crate) use index::{Stored, index};

use bytes::Bytes;
use header::{Block, Format};
use pax::Records;
use std::io::{self, ErrorKind, Read};

const BLOCK: u64 = 512;

/// The most bytes of a PAX header, of a long name or of a sparse map.
/// containerd: `maxSpecialFileSize` of Go's archive/tar.
const EXTENSION_BYTES: u64 = 1 << 20;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Regular,
    Directory,
    Symlink,
    HardLink,
    CharacterDevice,
    BlockDevice,
    Fifo,
    Unknown,
}

/// One entry: its header, with the extensions before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The name, not cleaned.
    pub(super) name: Vec<u8>,
    /// The target of a link.
    pub(super) link: Vec<u8>,
    /// What it is.
    pub(super) kind: Kind,
    /// The size of the file, with the holes of a sparse one.
    pub(super) size: u64,
    layout: Layout,
}

/// How the bytes of a file are stored in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Layout {
    Plain,
    /// Offset and length of each piece.
    Sparse(Vec<(u64, u64)>),
    PaxSparse,
}

/// The bytes of a file, or why they are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::image) enum Content {
    /// All of them.
    Bytes(Bytes),
    /// More than was allowed.
    TooLarge,
    /// A sparse file in one of the PAX formats, which is not read: its pieces are not the file.
    PaxSparse,
}

/// The entries of a stream.
pub(super) struct Entries<R> {
    inner: R,
    /// How many bytes of the current entry are left.
    data: u64,
    /// How many bytes of padding follow them.
    padding: u64,
}

impl<R: Read> Entries<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, data: 0, padding: 0 }
    }

    /// The next entry; absent at the end of the archive.
    ///
    /// # Errors
    ///
    /// The errors of the stream, and [`ErrorKind::InvalidData`] for an invalid archive.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut records = Records::default();
        let (mut long_name, mut long_link) = (None, None);
        loop {
            self.skip()?;
            let Some(block) = self.header()? else { return Ok(None) };
            self.expect(block.size()?)?;
            match block.flag() {
                b'x' => records = Records::parse(&self.extension()?)?,
                b'L' => long_name = Some(header::text(&self.extension()?).to_vec()),
                b'K' => long_link = Some(header::text(&self.extension()?).to_vec()),
                // containerd ignores global records, and with them the extensions before them.
                b'g' => {
                    self.extension()?;
                    (records, long_name, long_link) = (Records::default(), None, None);
                }
                _ => return self.entry(&block, records, long_name, long_link).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        block: &Block,
        records: Records,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> io::Result<Entry> {
        let name = long_name.or(records.path).unwrap_or_else(|| block.name());
        let link = long_link.or(records.link).unwrap_or_else(|| block.link());
        let kind = match block.flag() {
            b'\0' if name.ends_with(b"/") => Kind::Directory,
            b'\0' | b'0' | b'7' | b'S' => Kind::Regular,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::CharacterDevice,
            b'4' => Kind::BlockDevice,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            _ => Kind::Unknown,
        };
        // The PAX size overrides the header's, and only files have bytes, whatever the size says.
        let has_bytes = matches!(kind, Kind::Regular | Kind::Unknown);
        let stored = match records.size {
            _ if !has_bytes => 0,
            Some(size) => size,
            None => block.size()?,
        };
        self.expect(stored)?;
        let (size, layout) = if block.flag() == b'S' {
            self.sparse(block, stored)?
        } else if records.sparse {
            (stored, Layout::PaxSparse)
        } else {
            (stored, Layout::Plain)
        };
        Ok(Entry { name: records.sparse_name.unwrap_or(name), link, kind, size, layout })
    }

    /// The bytes of the current entry, if there are at most `limit`.
    pub(super) fn content(&mut self, entry: &Entry, limit: u64) -> io::Result<Content> {
        match &entry.layout {
            Layout::PaxSparse => Ok(Content::PaxSparse),
            _ if entry.size > limit => Ok(Content::TooLarge),
            Layout::Plain => Ok(Content::Bytes(self.take(entry.size)?.into())),
            Layout::Sparse(pieces) => {
                let size = usize::try_from(entry.size).map_err(io::Error::other)?;
                let mut whole = Vec::with_capacity(size);
                for (offset, length) in pieces {
                    whole.resize(usize::try_from(*offset).map_err(io::Error::other)?, 0);
                    whole.append(&mut self.take(*length)?);
                }
                whole.resize(size, 0);
                Ok(Content::Bytes(whole.into()))
            }
        }
    }

    /// The stream, at its current position.
    pub(super) fn into_inner(self) -> R {
        self.inner
    }

    /// Makes the next `size` bytes those of the current entry.
    fn expect(&mut self, size: u64) -> io::Result<()> {
        if size > i64::MAX.cast_unsigned() {
            return Err(invalid("tar entry is larger than a file can be"));
        }
        self.data = size;
        self.padding = size.next_multiple_of(BLOCK) - size;
        Ok(())
    }

    /// Skips what is left of the current entry.
    fn skip(&mut self) -> io::Result<()> {
        let left = self.data + self.padding;
        (self.data, self.padding) = (0, 0);
        if io::copy(&mut (&mut self.inner).take(left), &mut io::sink())? < left {
            return Err(invalid("tar ends inside an entry"));
        }
        Ok(())
    }

    /// The next `count` bytes of the current entry, of which there is a limit.
    fn take(&mut self, count: u64) -> io::Result<Vec<u8>> {
        // All at once: a buffer that grows takes three times as much.
        let mut bytes = Vec::with_capacity(usize::try_from(count).map_err(io::Error::other)?);
        let read = (&mut self.inner).take(count.min(self.data)).read_to_end(&mut bytes)? as u64;
        self.data -= read;
        if read < count {
            return Err(invalid("tar ends inside an entry"));
        }
        Ok(bytes)
    }

    /// All bytes of an entry that extends the next one.
    fn extension(&mut self) -> io::Result<Vec<u8>> {
        if self.data > EXTENSION_BYTES {
            return Err(invalid("tar extension header is larger than 1 MiB"));
        }
        self.take(self.data)
    }

    /// One block; absent if the stream ends before it.
    fn block(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = Vec::with_capacity(512);
        (&mut self.inner).take(BLOCK).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let whole: [u8; 512] = bytes.try_into().map_err(|_| invalid("tar ends inside a header"))?;
        Ok(Some(Block(whole)))
    }

    /// The next header; absent if two blocks of zeros, or the end of the stream, end the archive.
    fn header(&mut self) -> io::Result<Option<Block>> {
        let Some(block) = self.block()? else { return Ok(None) };
        if block.is_zero() {
            return match self.block()? {
                Some(next) if !next.is_zero() => Err(invalid("tar continues after its end")),
                _ => Ok(None),
            };
        }
        if !block.checksum_fits() {
            return Err(invalid("tar header has a wrong checksum"));
        }
        Ok(Some(block))
    }

    /// The map of a sparse file in the old GNU format: it begins in the header, and continues before the
    /// bytes.
    fn sparse(&mut self, block: &Block, stored: u64) -> io::Result<(u64, Layout)> {
        if block.format() != Format::Gnu {
            return Err(invalid("sparse tar entry without a GNU header"));
        }
        let size = block.sparse_size()?;
        let mut pieces = block.sparse_pieces(386, 4)?;
        let (mut more, mut read) = (block.0[482] != 0, 0);
        while more {
            read += BLOCK;
            if read > EXTENSION_BYTES {
                return Err(invalid("sparse map of a tar entry is larger than 1 MiB"));
            }
            let next = self.block()?.ok_or_else(|| invalid("tar ends inside a sparse map"))?;
            pieces.append(&mut next.sparse_pieces(0, 21)?);
            more = next.0[504] != 0;
        }
        let (mut end, mut sum) = (0_u64, 0_u64);
        for (offset, length) in &pieces {
            let next = offset.checked_add(*length).filter(|next| *offset >= end && *next <= size);
            end = next.ok_or_else(|| invalid("sparse map of a tar entry is out of order"))?;
            sum += length;
        }
        if sum != stored {
            return Err(invalid("sparse map of a tar entry does not fit its size"));
        }
        Ok((size, Layout::Sparse(pieces)))
    }
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}
