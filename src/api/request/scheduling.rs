//! Scheduling, I/O priority, execution domain and memory policy: the names of the runtime spec for the enums of
//! the API. An unspecified or unknown value becomes an empty name, which the rules on the spec refuse.

use super::convert::{Convert, convert};
use crate::api::pb::specd as pb;
use crate::oci::{CpuAffinity, IoPriority, MemoryPolicy, Personality, Scheduler};

convert! {
    CpuAffinity => CpuAffinity { initial, r#final: last }
}

/// The name of a value of an enum with the prefix of the runtime spec; empty for the zero value and for an unknown one.
pub(super) fn name<T>(number: i32, as_str: fn(&T) -> &'static str, prefix: &str) -> String
where
    T: TryFrom<i32>,
{
    let name = |number| T::try_from(number).ok().map(|value| as_str(&value));
    let ours = name(0).and_then(|zero| zero.strip_suffix("UNSPECIFIED")).unwrap_or_default();
    let bare = name(number).filter(|_| number != 0).and_then(|name| name.strip_prefix(ours));
    bare.map_or(String::new(), |bare| format!("{prefix}{bare}"))
}

fn names<T>(numbers: &[i32], as_str: fn(&T) -> &'static str, prefix: &str) -> Vec<String>
where
    T: TryFrom<i32>,
{
    numbers.iter().map(|number| name(*number, as_str, prefix)).collect()
}

impl Convert<Scheduler> for pb::Scheduler {
    fn convert(self) -> Scheduler {
        let Self { policy, nice, priority, flags, runtime, deadline, period } = self;
        Scheduler {
            policy: name(policy, pb::SchedulerPolicy::as_str_name, "SCHED_"),
            nice,
            priority,
            flags: names(&flags, pb::SchedulerFlag::as_str_name, "SCHED_FLAG_"),
            runtime,
            deadline,
            period,
            ..Scheduler::default()
        }
    }
}

impl Convert<IoPriority> for pb::IoPriority {
    fn convert(self) -> IoPriority {
        let class = name(self.class, pb::IoPriorityClass::as_str_name, "IOPRIO_CLASS_");
        IoPriority { class, priority: self.priority.into(), ..IoPriority::default() }
    }
}

impl Convert<Personality> for pb::Personality {
    fn convert(self) -> Personality {
        let domain = name(self.domain, pb::PersonalityDomain::as_str_name, "");
        Personality { domain, ..Personality::default() }
    }
}

impl Convert<MemoryPolicy> for pb::MemoryPolicy {
    fn convert(self) -> MemoryPolicy {
        let Self { mode, nodes, flags } = self;
        let mode = name(mode, pb::MemoryPolicyMode::as_str_name, "MPOL_");
        let flags = names(&flags, pb::MemoryPolicyFlag::as_str_name, "MPOL_F_");
        MemoryPolicy { mode, nodes, flags, ..MemoryPolicy::default() }
    }
}
