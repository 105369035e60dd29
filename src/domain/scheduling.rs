//! How the kernel treats the process beside others: processors, priorities, memory nodes, execution
//! domain, in the words of the OCI runtime specification.
//!
//! The names that these types serialize to are the specification's. What Go leaves out of its JSON, as an
//! empty list or a zero where its type says so, is left out here too.

use serde::Serialize;

/// How the kernel schedules the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scheduler {
    /// As `SCHED_OTHER`.
    pub policy: &'static str,
    /// Niceness.
    #[serde(skip_serializing_if = "is_zero")]
    pub nice: i32,
    /// The static priority.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// As `SCHED_FLAG_RECLAIM`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<&'static str>,
    /// Nanoseconds of running.
    #[serde(skip_serializing_if = "is_zero")]
    pub runtime: u64,
    /// Nanoseconds to the deadline.
    #[serde(skip_serializing_if = "is_zero")]
    pub deadline: u64,
    /// Nanoseconds of a period.
    #[serde(skip_serializing_if = "is_zero")]
    pub period: u64,
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

/// In which order input and output is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IoPriority {
    /// As `IOPRIO_CLASS_BE`.
    pub class: &'static str,
    /// 0, the first, to 7.
    pub priority: i32,
}

/// On which processors an exec runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CpuAffinity {
    /// Before it is in the control group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub initial: String,
    /// After.
    #[serde(rename = "final", skip_serializing_if = "String::is_empty")]
    pub last: String,
}

/// On which memory nodes memory is allocated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemoryPolicy {
    /// As `MPOL_BIND`.
    pub mode: &'static str,
    /// As `0-1,4`.
    pub nodes: String,
    /// As `MPOL_F_STATIC_NODES`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<&'static str>,
}

/// Whether a text is a list of processors or memory nodes, as `0-1,4`.
#[must_use]
pub fn is_list(text: &str) -> bool {
    let number = |part: &str| part.parse::<u16>().ok().filter(|_| !part.starts_with('+'));
    text.split(',').all(|part| match part.split_once('-') {
        None => number(part).is_some(),
        Some((first, last)) => {
            number(first).zip(number(last)).is_some_and(|(first, last)| first <= last)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_of_numbers_and_ranges() {
        for list in ["0", "0-1,4", "7-7"] {
            assert!(is_list(list), "{list}");
        }
        for none in ["", ",", "1,", "2-1", "-1", "+1", "a", "1-2-3", "1 ", "99999"] {
            assert!(!is_list(none), "{none}");
        }
    }
}
