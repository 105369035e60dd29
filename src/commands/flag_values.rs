//! Parsers of flag values. An error says what is expected; clap adds the flag and the value.

use crate::image::platform::{OsFeatures, Platform};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A parser of whole numbers within a range.
pub(super) fn whole<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("expected {} to {}", range.start(), range.end()))
    }
}

/// A parser of numbers, with what is expected.
pub(super) fn number<T: FromStr>(
    expected: &'static str,
) -> impl Fn(&str) -> Result<T, &'static str> + Clone + Send + Sync {
    move |text| text.parse().map_err(|_| expected)
}

/// Parses a duration.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "expected a duration, for example 3s")
}

/// A parser of switches: true or false, or what a variable may have for them.
pub(super) fn switch() -> impl TypedValueParser<Value = bool> {
    const ON: [&str; 4] = ["true", "1", "yes", "on"];
    let on = PossibleValue::new(ON[0]).aliases(&ON[1..]);
    let off = PossibleValue::new("false").aliases(["0", "no", "off", ""]);
    PossibleValuesParser::new([on, off]).map(|text| ON.contains(&text.as_str()))
}

/// Parses a duration of at least a millisecond.
pub(super) fn timeout(text: &str) -> Result<Duration, &'static str> {
    let timeout = duration(text)?;
    if timeout < Duration::from_millis(1) {
        return Err("must be at least 1ms, for example 60s");
    }
    Ok(timeout)
}

/// Checks that a path starts at the root.
pub(super) fn absolute(path: PathBuf) -> Result<PathBuf, &'static str> {
    if path.is_absolute() { Ok(path) } else { Err("must be an absolute path") }
}

/// The path of `unix:///PATH`, `unix:PATH` or a bare path; absent for an address of another kind.
pub(super) fn socket_path(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix("unix:") {
        return Some(rest.strip_prefix("//").unwrap_or(rest));
    }
    text.starts_with(['/', '.']).then_some(text)
}

/// Parses the path of a socket, with or without `unix:` in front of it.
pub(super) fn socket(text: &str) -> Result<PathBuf, &'static str> {
    match socket_path(text) {
        Some("") => Err("the path is missing, for example unix:///run/containerd/containerd.sock"),
        Some(path) => Ok(PathBuf::from(path)),
        None if text.is_empty() || text.contains("://") => {
            Err("expected the path of a unix socket, for example /run/containerd/containerd.sock")
        }
        None => Ok(PathBuf::from(text)),
    }
}

/// Parses `OS[(+FEATURE...)]/ARCH[/VARIANT]`. containerd: `platforms.Parse`.
pub(super) fn platform(text: &str) -> Result<Platform, &'static str> {
    const EXPECTED: &str = "expected OS/ARCH[/VARIANT] with an OS other than windows and darwin, for example \
         linux/arm64/v8 or, with features of the OS, linux(+erofs)/amd64";
    let word = |text: &str| {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !text.is_empty() && text.bytes().all(is_word)
    };
    let parts: Vec<&str> = text.split('/').collect();
    let (os, architecture, variant) = match parts[..] {
        [os, architecture] => (os, architecture, None),
        [os, architecture, variant] => (os, architecture, Some(variant)),
        _ => return Err(EXPECTED),
    };
    let (os, features) = match os.split_once("(+") {
        Some((os, features)) => {
            let features = features.strip_suffix(')').ok_or(EXPECTED)?;
            (os, features.split('+').map(str::to_owned).collect())
        }
        None => (os, Vec::new()),
    };
    let words = [os, architecture].into_iter().chain(variant);
    if !words.chain(features.iter().map(String::as_str)).all(word) {
        return Err(EXPECTED);
    }
    let platform = Platform::new(os, architecture, variant.unwrap_or_default())
        .with_os_features(OsFeatures::new(features));
    if platform.has_linux_spec() { Ok(platform) } else { Err(EXPECTED) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_those_with_a_spec_for_linux() {
        for (text, shown) in [
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux(+erofs+a)/amd64", "linux(+a+erofs)/amd64"),
            ("wasi/wasm", "wasi/wasm"),
        ] {
            assert_eq!(platform(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "linux",
            "linux/",
            "windows/amd64",
            "macos/arm64",
            "linux/arm/v7/x",
            "linux(erofs)/amd64",
            "linux(+)/amd64",
            "linux(+a/amd64",
            "linux(1+a)/amd64",
        ] {
            assert!(platform(text).unwrap_err().starts_with("expected OS/ARCH"), "{text}");
        }
    }

    #[test]
    fn a_socket_is_a_path_with_or_without_its_scheme() {
        for text in ["/run/a.sock", "unix:/run/a.sock", "unix:///run/a.sock"] {
            assert_eq!(socket(text), Ok(PathBuf::from("/run/a.sock")), "{text}");
        }
        assert_eq!(socket("a.sock"), Ok(PathBuf::from("a.sock")));
        for text in ["", "unix:", "unix://", "tcp://127.0.0.1:1", "http://x"] {
            assert!(socket(text).is_err(), "{text}");
        }
    }

    #[test]
    fn timeouts_are_a_millisecond_or_longer() {
        assert_eq!(timeout("1ms"), Ok(Duration::from_millis(1)));
        assert!(timeout("999us").is_err() && timeout("0s").is_err());
        assert_eq!(timeout("x"), Err("expected a duration, for example 3s"));
    }

    #[test]
    fn a_number_out_of_range_says_the_range() {
        let parse = whole(1..=65536_u32);
        assert_eq!((parse("1"), parse("65536")), (Ok(1), Ok(65536)));
        for text in ["0", "65537", "-1", "x", "", "99999999999999999999"] {
            assert_eq!(parse(text), Err("expected 1 to 65536".to_owned()), "{text}");
        }
    }
}
