//! The HTTP/2 frames of a client (RFC 9113, section 4): which bytes are a header block.
//!
//! What is in a block is `hpack`'s.
//!
//! Invariant: what comes out depends on the bytes alone and not on the windows they came in.

use crate::server::authority::hpack;
use std::ops::Range;

/// What a client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The most bytes of a header block that are held, its frames' heads included. What is in them is
/// mended, what follows of the block is not: an authority comes first.
const MOST_HELD: usize = 32 << 10;

const HEAD: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 0x04;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// Where in the stream the next byte is.
#[derive(Debug)]
enum Place {
    /// In the preface, so many bytes of which were there.
    Preface(usize),
    /// At the head of a frame, and in no block.
    Head,
    /// In a frame, so many bytes before its end, all of no interest.
    Inside(usize),
    /// In a header block that starts with the window.
    Block(Block),
    /// Behind something that is no HTTP/2: nothing is touched any more.
    Lost,
}

/// A header block whose end was not seen.
#[derive(Debug, Default)]
struct Block {
    stream: u32,
    /// Where its next frame has its head.
    at: usize,
    /// Where what is compressed is, without heads and padding.
    pieces: Vec<Range<usize>>,
}

/// The head of a frame.
struct Head {
    length: usize,
    kind: u8,
    flags: u8,
    stream: u32,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let &[l1, l2, l3, kind, flags, s1, s2, s3, s4, ..] = bytes else { return None };
        Some(Self {
            length: usize::from(l1) << 16 | usize::from(l2) << 8 | usize::from(l3),
            kind,
            flags,
            stream: u32::from_be_bytes([s1, s2, s3, s4]) & 0x7fff_ffff,
        })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// What is next after a look at one frame of a header block.
enum Step {
    /// The next frame.
    On,
    /// More bytes are needed first.
    Wait,
    /// So many bytes are done, nothing more of the block is looked at, and this is where that leaves
    /// the stream.
    Done(usize, Place),
}

/// Follows a client's bytes from frame to frame, and mends its header blocks.
#[derive(Debug)]
pub(super) struct Frames(Place);

impl Frames {
    pub(super) fn new() -> Self {
        Self(Place::Preface(0))
    }

    /// Mends what is in a window and tells how much of it is done.
    ///
    /// The next window must start with what was not.
    pub(super) fn walk(&mut self, window: &mut [u8]) -> usize {
        let mut done = 0;
        loop {
            let rest = &mut window[done..];
            match &mut self.0 {
                Place::Preface(seen) => {
                    let length = rest.len().min(PREFACE.len() - *seen);
                    if rest[..length] != PREFACE[*seen..*seen + length] {
                        self.0 = Place::Lost;
                        continue;
                    }
                    done += length;
                    *seen += length;
                    if *seen < PREFACE.len() {
                        return done;
                    }
                    self.0 = Place::Head;
                }
                Place::Head => match Head::read(rest) {
                    None => return done,
                    Some(head) if head.kind == HEADERS => {
                        self.0 = Place::Block(Block { stream: head.stream, ..Block::default() });
                    }
                    Some(head) => {
                        done += HEAD;
                        self.0 = Place::Inside(head.length);
                    }
                },
                Place::Inside(left) => {
                    let length = rest.len().min(*left);
                    done += length;
                    *left -= length;
                    if *left > 0 {
                        return done;
                    }
                    self.0 = Place::Head;
                }
                Place::Block(block) => match block.step(rest) {
                    Step::On => {}
                    Step::Wait => return done,
                    Step::Done(length, next) => {
                        done += length;
                        self.0 = next;
                    }
                },
                Place::Lost => return window.len(),
            }
        }
    }

    /// The stream has ended: what is held goes out as it is.
    pub(super) fn end(&mut self) {
        self.0 = Place::Lost;
    }
}

impl Block {
    /// Takes one frame of the block in, and mends the block if it was the last.
    fn step(&mut self, window: &mut [u8]) -> Step {
        if self.at + HEAD > MOST_HELD {
            self.mend(window, false);
            return Step::Done(self.at, Place::Head);
        }
        let Some(head) = window.get(self.at..).and_then(Head::read) else {
            return Step::Wait;
        };
        let wanted = if self.at == 0 { HEADERS } else { CONTINUATION };
        if head.kind != wanted || head.stream != self.stream {
            return Step::Done(0, Place::Lost);
        }
        let payload = self.at + HEAD;
        let end = payload + head.length;
        if window.len() < end.min(MOST_HELD) {
            return Step::Wait;
        }
        let Some(piece) = compressed(&head, payload, window) else {
            return Step::Done(0, Place::Lost);
        };
        let held = piece.start.min(MOST_HELD)..piece.end.min(MOST_HELD);
        if !held.is_empty() {
            self.pieces.push(held);
        }
        if end > MOST_HELD {
            self.mend(window, false);
            return Step::Done(MOST_HELD, Place::Inside(end - MOST_HELD));
        }
        if head.has(END_HEADERS) {
            self.mend(window, true);
            return Step::Done(end, Place::Head);
        }
        self.at = end;
        Step::On
    }

    /// Mends what is in the pieces, which may cut a field anywhere.
    fn mend(&self, window: &mut [u8], is_whole: bool) {
        if let [piece] = self.pieces.as_slice() {
            return hpack::mend_block(&mut window[piece.clone()], is_whole);
        }
        let mut block = Vec::with_capacity(self.pieces.iter().map(Range::len).sum());
        for piece in &self.pieces {
            block.extend_from_slice(&window[piece.clone()]);
        }
        hpack::mend_block(&mut block, is_whole);
        let mut rest = block.as_slice();
        for piece in &self.pieces {
            let (bytes, after) = rest.split_at(piece.len());
            window[piece.clone()].copy_from_slice(bytes);
            rest = after;
        }
    }
}

/// Where in a frame of a block the compressed bytes are, or nothing if it cannot hold what it says.
fn compressed(head: &Head, payload: usize, window: &[u8]) -> Option<Range<usize>> {
    let end = payload + head.length;
    let (mut before, mut after) = (0, 0);
    if head.kind == HEADERS {
        if head.has(PADDED) {
            if head.length == 0 {
                return None;
            }
            before += 1;
            after = usize::from(*window.get(payload)?);
        }
        if head.has(PRIORITY) {
            before += 5;
        }
    }
    (before + after <= head.length).then(|| payload + before..end - after)
}
