//! What a spec depends on of the machine that will run the container.
//!
//! Read once at start, or stated by flags where the spec is for another machine; the core never looks.

use crate::domain::stated_devices::StatedDevices;

/// Facts of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// The processors that have a directory `thermal_throttle` in sysfs, ascending.
    pub thermal_throttle_cpus: Vec<u32>,
    /// The first two numbers of the kernel's version.
    pub kernel: (u32, u32),
    /// The number of the last capability that the kernel knows, where it is stated; `ALL` is up to that one.
    pub last_capability: Option<u8>,
    /// The devices, where they are stated; otherwise they are looked at when they are asked for.
    pub devices: Option<StatedDevices>,
}

/// Reads the first two numbers of a kernel's release: `6.1.0-18-amd64` is 6.1.
///
/// # Errors
///
/// A sentence where there are none.
pub fn parse_kernel(text: &str) -> Result<(u32, u32), String> {
    let mut parts = text.trim().split(|c: char| !c.is_ascii_digit());
    let mut next = || parts.next().and_then(|part| part.parse().ok());
    match (next(), next()) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(format!("invalid kernel version {text:?}: expected MAJOR.MINOR, for example 6.1")),
    }
}

/// The most processors that Linux can be built for.
const CPUS: u32 = 8192;

/// Reads a list of processors as the kernel writes them: `0-3,5`.
///
/// # Errors
///
/// A sentence on the invalid part.
pub fn parse_cpus(text: &str) -> Result<Vec<u32>, String> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let wrong =
            || format!("invalid CPU list at {part:?}: expected CPUs and ranges, for example 0-3,5");
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.parse::<u32>().ok().filter(|cpu| *cpu < CPUS);
        let (first, last) = (number(first).ok_or_else(wrong)?, number(last).ok_or_else(wrong)?);
        if first > last {
            return Err(wrong());
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_two_numbers() {
        assert_eq!(parse_kernel("6.18.44-fc\n"), Ok((6, 18)));
        assert_eq!(parse_kernel("5.10"), Ok((5, 10)));
        assert!(parse_kernel("6").is_err() && parse_kernel("v6.1").is_err());
    }

    #[test]
    fn lists_are_the_kernels() {
        assert_eq!(parse_cpus("0-3,5\n"), Ok(vec![0, 1, 2, 3, 5]));
        assert_eq!(parse_cpus("7,1,1"), Ok(vec![1, 7]));
        assert_eq!(parse_cpus(""), Ok(vec![]));
        for text in ["x", "3-1", "-1", "0-4000000000", "1-2-3"] {
            assert!(parse_cpus(text).is_err(), "{text}");
        }
    }
}
