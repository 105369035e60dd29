//! Protobuf's encoding, field by field. Nothing is allocated.

/// A field as it is on the wire.
pub(super) enum Wire<'a> {
    Varint(u64),
    /// A number of four or eight bytes.
    Fixed,
    Bytes(&'a [u8]),
}

/// The next field and its number; nothing where the bytes are malformed.
pub(super) fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let key = varint(bytes)?;
    let wire = match key & 7 {
        0 => Wire::Varint(varint(bytes)?),
        1 => {
            *bytes = bytes.get(8..)?;
            Wire::Fixed
        }
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (inner, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Wire::Bytes(inner)
        }
        5 => {
            *bytes = bytes.get(4..)?;
            Wire::Fixed
        }
        _ => return None,
    };
    Some((key >> 3, wire))
}

pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f).checked_shl(shift).unwrap_or_default();
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
