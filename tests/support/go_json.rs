//! JSON as Go's `json.Marshal` writes it.

/// Compact JSON with Go's escapes, which stand nowhere but in strings.
pub(crate) fn escaped(json: &str) -> String {
    let escape = |text: String, special: char| {
        text.replace(special, &format!("\\u{:04x}", u32::from(special)))
    };
    ['<', '>', '&', '\u{2028}', '\u{2029}'].into_iter().fold(json.to_owned(), escape)
}
