//! The HTTP/2 frames of a client (RFC 9113, section 4): finds the header blocks.
//!
//! `hpack` reads the content of a block.
//!
//! Invariant: the output depends on the bytes only, not on how they are split into windows.

use crate::server::authority::hpack;
use std::ops::Range;

/// The connection preface of a client.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The largest part of a header block that is held, including the heads of its frames. Only this part is
/// mended: an authority is among the first fields.
const MOST_HELD: usize = 32 << 10;

const HEAD: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 0x04;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// The position of the next byte in the stream.
#[derive(Debug)]
enum Place {
    /// In the preface, after this number of bytes.
    Preface(usize),
    /// At the head of a frame, outside of a block.
    Head,
    /// In a frame that is not a header block, this number of bytes before its end.
    Inside(usize),
    /// In a header block that starts with the window.
    Block(Block),
    /// After bytes that are not HTTP/2: everything is passed on unchanged.
    Lost,
}

/// A header block that is not complete.
#[derive(Debug, Default)]
struct Block {
    stream: u32,
    /// The position of the head of its next frame.
    at: usize,
    /// The compressed parts, without heads and padding.
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

/// What follows one frame of a header block.
enum Step {
    /// The next frame.
    On,
    /// More bytes are needed first.
    Wait,
    /// The block is done: the number of its bytes, and the position after them.
    Done(usize, Place),
}

/// Follows a client's bytes from frame to frame, and mends its header blocks.
#[derive(Debug)]
pub(super) struct Frames(Place);

impl Frames {
    pub(super) fn new() -> Self {
        Self(Place::Preface(0))
    }

    /// Mends the header blocks in a window, and returns how many of its bytes are done.
    ///
    /// The next window must start with the rest.
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

    /// The stream has ended: held bytes are passed on unchanged.
    pub(super) fn end(&mut self) {
        self.0 = Place::Lost;
    }
}

impl Block {
    /// Adds one frame to the block, and mends the block if the frame was the last.
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

    /// Mends the pieces; a field may be split between them.
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

/// The compressed bytes in a frame of a block, or nothing if its lengths are inconsistent.
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
