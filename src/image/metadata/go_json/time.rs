//! Checks a time as Go's `time.Time` reads it from JSON.
//!
//! Nothing needs the time itself, but containerd refuses an image with an invalid time, which `tests/oracle`
//! compares. Go is laxer than RFC 3339 in places (one digit for the hour, a comma before the fraction, an
//! offset of 24:60), and so is this.

use super::{JsonError, Value};

/// Checks a value: `null`, or a string such as `2006-01-02T15:04:05.999Z`.
///
/// # Errors
///
/// Any other value.
pub(super) fn check(value: Value<'_>) -> Result<(), JsonError> {
    if value.is_null() {
        return Ok(());
    }
    // Escapes are not decoded, as in Go.
    let quoted = value.text().strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match quoted {
        Some(text) if is_time(text.as_bytes()) => Ok(()),
        Some(text) => {
            let found: String = text.chars().take(60).collect();
            Err(JsonError::new(format!("expected an RFC 3339 time, found {found:?}")))
        }
        None => Err(value.wrong("a time")),
    }
}

fn is_time(text: &[u8]) -> bool {
    parse(text).is_some()
}

fn parse(text: &[u8]) -> Option<()> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(literal(rest, b'-')?, 2)?;
    let (day, rest) = digits(literal(rest, b'-')?, 2)?;
    let rest = literal(rest, b'T')?;
    let (hour, rest) = digits(rest, 2).or_else(|| digits(rest, 1))?;
    let (minute, rest) = digits(literal(rest, b':')?, 2)?;
    let (second, rest) = digits(literal(rest, b':')?, 2)?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_in(month, year)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    (in_range && is_zone(after_fraction(rest))).then_some(())
}

fn literal(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.split_first().filter(|(first, _)| **first == byte).map(|(_, rest)| rest)
}

fn digits(text: &[u8], count: usize) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')), rest))
}

fn after_fraction(text: &[u8]) -> &[u8] {
    match text {
        [b'.' | b',', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => {
            let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            &rest[end..]
        }
        _ => text,
    }
}

fn is_zone(text: &[u8]) -> bool {
    let offset = |rest| {
        let (hour, rest) = digits(rest, 2)?;
        let (minute, rest) = digits(literal(rest, b':')?, 2)?;
        Some(hour <= 24 && minute <= 60 && rest.is_empty())
    };
    match text {
        b"Z" => true,
        [b'+' | b'-', rest @ ..] => offset(rest).unwrap_or(false),
        _ => false,
    }
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_go_takes() {
        for text in [
            "2006-01-02T15:04:05Z",
            "0001-01-01T00:00:00Z",
            "0000-12-31T23:59:59.999999999999Z",
            "2013-06-13T14:03:50.821769-07:00",
            "2024-02-29T00:00:00+24:60",
            "2000-02-29T5:04:05,5Z",
        ] {
            assert!(is_time(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in [
            "",
            "now",
            "2006-01-02",
            "2006-01-02 15:04:05Z",
            "2006-01-02t15:04:05Z",
            "2006-01-02T15:04:05z",
            "2006-01-02T15:04:05",
            "2006-01-02T15:04:05.Z",
            "2006-01-02T15:04:05ZZ",
            "2006-01-02T24:04:05Z",
            "2006-01-02T15:60:05Z",
            "2006-01-02T15:04:60Z",
            "2006-1-02T15:04:05Z",
            "2006-13-02T15:04:05Z",
            "2006-00-02T15:04:05Z",
            "1900-02-29T15:04:05Z",
            "2006-04-31T15:04:05Z",
            "2006-01-00T15:04:05Z",
            "2006-01-02T15:04:05+0700",
            "2006-01-02T15:04:05+25:00",
            "2006-01-02T15:04:05+07:61",
            "2006-01-02T15:04:05\\u005a",
        ] {
            assert!(!is_time(text.as_bytes()), "{text}");
        }
    }

    proptest::proptest! {
        /// With two digits everywhere, the lax sense is the strict one.
        #[test]
        fn agrees_with_a_calendar(
            year in 0_u32..=9999, month in 0_u32..=13, day in 0_u32..=32,
            hour in 0_u32..=25, minute in 0_u32..=61, second in 0_u32..=61,
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
            let month_of = |month: u32| u8::try_from(month).ok().and_then(|m| time::Month::try_from(m).ok());
            let expected = month_of(month).is_some_and(|month| {
                time::Date::from_calendar_date(year.cast_signed(), month, day as u8).is_ok()
            }) && time::Time::from_hms(hour as u8, minute as u8, second as u8).is_ok();
            proptest::prop_assert_eq!(is_time(text.as_bytes()), expected);
        }
    }
}
