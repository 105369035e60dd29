//! The grammar that the values of several flags share, which is Docker's.

use std::iter::Peekable;
use std::str::Chars;

/// What a size looks like.
pub(super) const BYTES: &str =
    "expected a number of bytes, or a number with the unit b, k, m, g, t or p, for example 64m";

/// Parses a size in bytes: `1048576`, `64m`, `1.5g` or `64MiB`; a unit is a power of 1024. Docker: `units.RAMInBytes`.
pub(super) fn bytes(text: &str) -> Result<u64, &'static str> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.strip_prefix(' ').unwrap_or(unit).to_ascii_lowercase();
    let power = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return Err(BYTES),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') || fraction.len() > 18 {
        return Err(BYTES);
    }
    // In whole numbers, because a float would round large sizes.
    let digits: u128 = format!("{whole}{fraction}").parse().map_err(|_| BYTES)?;
    let scale = 10_u128.pow(u32::try_from(fraction.len()).map_err(|_| BYTES)?);
    let size = digits.checked_mul(1 << (10 * power)).ok_or(BYTES)? / scale;
    let is_known = i64::try_from(size).is_ok();
    u64::try_from(size).ok().filter(|_| is_known).ok_or("is larger than any memory")
}

/// Parses a limit of memory: a size, or -1 for no limit.
pub(super) fn memory(text: &str) -> Result<i64, &'static str> {
    if text == "-1" {
        return Ok(-1);
    }
    i64::try_from(bytes(text)?).map_err(|_| BYTES)
}

/// Parses the value of a key inside of a flag: `readonly`, `readonly=true` or `readonly=1`.
pub(super) fn boolean(key: &str, value: Option<&str>) -> Result<bool, String> {
    match value {
        None | Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(_) => Err(format!("{key}: expected true or false")),
    }
}

/// Parses `KEY=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE"),
    }
}

/// The fields of a line of CSV. A field in double quotes may have commas in it, and `""` for a quote.
pub(super) fn fields(text: &str) -> Result<Vec<String>, &'static str> {
    let mut chars = text.chars().peekable();
    let mut fields = vec![field(&mut chars)?];
    while chars.next().is_some() {
        fields.push(field(&mut chars)?);
    }
    Ok(fields)
}

/// One field, up to the comma after it.
fn field(chars: &mut Peekable<Chars<'_>>) -> Result<String, &'static str> {
    const QUOTES: &str =
        "expected both quotes of a field around all of it, for example '\"device=0,1\"'";
    let mut text = String::new();
    if chars.next_if_eq(&'"').is_none() {
        while let Some(c) = chars.next_if(|c| *c != ',') {
            text.push(c);
        }
        return if text.contains('"') { Err(QUOTES) } else { Ok(text) };
    }
    loop {
        match chars.next().ok_or(QUOTES)? {
            '"' if chars.next_if_eq(&'"').is_some() => text.push('"'),
            '"' if chars.peek().is_none_or(|c| *c == ',') => return Ok(text),
            '"' => return Err(QUOTES),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_or_without_a_unit() {
        for (text, size) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("42b", 42),
            ("32k", 32 << 10),
            ("32kB", 32 << 10),
            ("32KiB", 32 << 10),
            ("64m", 64 << 20),
            ("64 M", 64 << 20),
            ("1.5g", 3 << 29),
            (".5g", 1 << 29),
            ("2.g", 2 << 30),
            ("1t", 1 << 40),
            ("1PB", 1 << 50),
            ("9223372036854775807", 9_223_372_036_854_775_807),
        ] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in [
            "",
            "m",
            ".",
            "-1",
            "-64m",
            "+1",
            "64q",
            "64mm",
            "64bb",
            "64ib",
            "64mi",
            "64  m",
            "1.2.3m",
            "0x10",
            "1e3",
            "64m ",
            "64,5m",
            "9223372036854775808",
            "8192p",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert_eq!((memory("-1"), memory("64m")), (Ok(-1), Ok(64 << 20)));
        assert!(memory("-2").is_err());
    }

    #[test]
    fn a_field_in_quotes_may_have_commas() {
        for (text, want) in [
            ("", vec![""]),
            ("a,b=c", vec!["a", "b=c"]),
            ("\"device=0,1\",driver=nvidia", vec!["device=0,1", "driver=nvidia"]),
            ("\"a\"\"b\",", vec!["a\"b", ""]),
            ("\"\"", vec![""]),
        ] {
            assert_eq!(fields(text).unwrap(), want, "{text}");
        }
        for text in ["\"a", "a\"b\"", "\"a\"b", "\""] {
            assert!(fields(text).unwrap_err().contains("quotes"), "{text}");
        }
    }

    #[test]
    fn a_pair_has_a_key() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("a="), Ok(("a".to_owned(), String::new())));
        assert!(pair("a").is_err() && pair("=b").is_err() && pair("").is_err());
    }
}
