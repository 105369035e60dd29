//! HTTP/2 as bytes, so that it can also be wrong.

#![allow(dead_code, reason = "each test binary writes some of the frames")]

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The preface, and SETTINGS without a setting.
pub(crate) const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 0x01;
pub(crate) const END_HEADERS: u8 = 0x04;
pub(crate) const PADDED: u8 = 0x08;
pub(crate) const PRIORITY: u8 = 0x20;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A text of at most 126 bytes, as HPACK writes it.
pub(crate) fn text(value: &str) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap();
    assert!(length < 0x7f, "{value} is too long");
    [&[length], value.as_bytes()].concat()
}

/// The header block of a call, with fields of its own at the end.
pub(crate) fn call(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x83, 0x86]; // :method POST, :scheme http
    for (name, value) in [
        (&b"\x04"[..], path),              // :path
        (b"\x01", "localhost"),            // :authority
        (b"\x0f\x10", "application/grpc"), // content-type
        (b"\0\x02te", "trailers"),
    ] {
        block.extend_from_slice(name);
        block.extend(text(value));
    }
    for (name, value) in more {
        block.push(0);
        block.extend(text(name));
        block.extend(text(value));
    }
    block
}

/// A call that is begun: its HEADERS.
pub(crate) fn begun(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &call(path, &[]))
}

/// The reset of a stream by its client.
pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
}

/// A call with its message.
pub(crate) fn whole_call(stream: u32, path: &str, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let framed = [&[0], &length[..], message].concat();
    let mut bytes = begun(stream, path);
    let last = framed.chunks(16_384).count() - 1;
    for (nth, piece) in framed.chunks(16_384).enumerate() {
        let flags = if nth == last { END_STREAM } else { 0 };
        bytes.extend(frame(DATA, flags, stream, piece));
    }
    bytes
}

/// The kinds of the frames in what a server has sent.
pub(crate) fn kinds(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = vec![];
    while bytes.len() >= 9 {
        let length =
            usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
        kinds.push(bytes[3]);
        bytes = bytes.get(9 + length..).unwrap_or_default();
    }
    kinds
}
