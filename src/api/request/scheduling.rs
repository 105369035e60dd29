//! Scheduling, I/O priority, execution domain and memory policy: the names of the runtime spec for the enums of
//! the API. An unspecified or unknown value becomes an empty name, which the rules on the spec refuse.

use crate::api::pb::specd as pb;
use crate::oci::{CpuAffinity, IoPriority, MemoryPolicy, Personality, Scheduler};

/// The name of a value of an enum; empty for the zero value and for an unknown one.
pub(super) fn name<T: TryFrom<i32> + PartialEq>(number: i32, names: &[(T, &str)]) -> String {
    let value = T::try_from(number).ok();
    let known = names.iter().find(|(known, _)| value.as_ref() == Some(known));
    known.map_or(String::new(), |(_, name)| (*name).to_owned())
}

fn names<T: TryFrom<i32> + PartialEq>(numbers: &[i32], known: &[(T, &str)]) -> Vec<String> {
    numbers.iter().map(|number| name(*number, known)).collect()
}

pub(super) fn scheduler(message: &pb::Scheduler) -> Scheduler {
    use pb::{SchedulerFlag as Flag, SchedulerPolicy as Policy};
    const POLICIES: [(Policy, &str); 7] = [
        (Policy::Other, "SCHED_OTHER"),
        (Policy::Fifo, "SCHED_FIFO"),
        (Policy::Rr, "SCHED_RR"),
        (Policy::Batch, "SCHED_BATCH"),
        (Policy::Iso, "SCHED_ISO"),
        (Policy::Idle, "SCHED_IDLE"),
        (Policy::Deadline, "SCHED_DEADLINE"),
    ];
    const FLAGS: [(Flag, &str); 7] = [
        (Flag::ResetOnFork, "SCHED_FLAG_RESET_ON_FORK"),
        (Flag::Reclaim, "SCHED_FLAG_RECLAIM"),
        (Flag::DlOverrun, "SCHED_FLAG_DL_OVERRUN"),
        (Flag::KeepPolicy, "SCHED_FLAG_KEEP_POLICY"),
        (Flag::KeepParams, "SCHED_FLAG_KEEP_PARAMS"),
        (Flag::UtilClampMin, "SCHED_FLAG_UTIL_CLAMP_MIN"),
        (Flag::UtilClampMax, "SCHED_FLAG_UTIL_CLAMP_MAX"),
    ];
    let pb::Scheduler { policy, nice, priority, ref flags, runtime, deadline, period } = *message;
    Scheduler {
        policy: name(policy, &POLICIES),
        nice,
        priority,
        flags: names(flags, &FLAGS),
        runtime,
        deadline,
        period,
        ..Scheduler::default()
    }
}

pub(super) fn io_priority(pb::IoPriority { class, priority }: pb::IoPriority) -> IoPriority {
    use pb::IoPriorityClass as Class;
    const CLASSES: [(Class, &str); 3] = [
        (Class::Rt, "IOPRIO_CLASS_RT"),
        (Class::Be, "IOPRIO_CLASS_BE"),
        (Class::Idle, "IOPRIO_CLASS_IDLE"),
    ];
    let class = name(class, &CLASSES);
    IoPriority { class, priority: priority.into(), ..IoPriority::default() }
}

pub(super) fn cpu_affinity(
    pb::CpuAffinity { initial, r#final: last }: pb::CpuAffinity,
) -> CpuAffinity {
    CpuAffinity { initial, last, ..CpuAffinity::default() }
}

pub(super) fn personality(pb::Personality { domain }: pb::Personality) -> Personality {
    use pb::PersonalityDomain as Domain;
    const DOMAINS: [(Domain, &str); 2] = [(Domain::Linux, "LINUX"), (Domain::Linux32, "LINUX32")];
    Personality { domain: name(domain, &DOMAINS), ..Personality::default() }
}

pub(super) fn memory_policy(
    pb::MemoryPolicy { mode, nodes, flags }: pb::MemoryPolicy,
) -> MemoryPolicy {
    use pb::{MemoryPolicyFlag as Flag, MemoryPolicyMode as Mode};
    const MODES: [(Mode, &str); 7] = [
        (Mode::Default, "MPOL_DEFAULT"),
        (Mode::Bind, "MPOL_BIND"),
        (Mode::Interleave, "MPOL_INTERLEAVE"),
        (Mode::WeightedInterleave, "MPOL_WEIGHTED_INTERLEAVE"),
        (Mode::Preferred, "MPOL_PREFERRED"),
        (Mode::PreferredMany, "MPOL_PREFERRED_MANY"),
        (Mode::Local, "MPOL_LOCAL"),
    ];
    const FLAGS: [(Flag, &str); 3] = [
        (Flag::NumaBalancing, "MPOL_F_NUMA_BALANCING"),
        (Flag::RelativeNodes, "MPOL_F_RELATIVE_NODES"),
        (Flag::StaticNodes, "MPOL_F_STATIC_NODES"),
    ];
    let (mode, flags) = (name(mode, &MODES), names(&flags, &FLAGS));
    MemoryPolicy { mode, nodes, flags, ..MemoryPolicy::default() }
}
