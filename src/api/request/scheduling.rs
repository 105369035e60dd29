//! How the kernel treats the process beside others.
//!
//! What is refused is what runc and the kernel refuse: a number that goes with another policy.

use crate::api::pb::specd as pb;
use crate::domain::scheduling::{CpuAffinity, IoPriority, MemoryPolicy, Scheduler, is_list};
use crate::domain::violation::Violations;

const LIST: &str = "must be a list of numbers and ranges, as 0-1,4";

/// The names of flags or modes that a message has as numbers; one that is none is told.
fn named<T: TryFrom<i32> + PartialEq>(
    numbers: &[i32],
    names: &[(T, &'static str)],
    field: &str,
    wrong: &mut Violations,
) -> Vec<&'static str> {
    let mut found = Vec::with_capacity(numbers.len());
    for (index, number) in numbers.iter().enumerate() {
        match name(*number, names) {
            Some(name) => found.push(name),
            None => wrong.push(format!("{field}[{index}]"), one_of(names)),
        }
    }
    found
}

/// The name of a value of an enum; nothing for the zero value and what is not known.
pub(super) fn name<T: TryFrom<i32> + PartialEq>(
    number: i32,
    names: &[(T, &'static str)],
) -> Option<&'static str> {
    let value = T::try_from(number).ok()?;
    names.iter().find(|(known, _)| *known == value).map(|(_, name)| *name)
}

pub(super) fn one_of<T>(names: &[(T, &'static str)]) -> String {
    let names: Vec<&str> = names.iter().map(|(_, name)| *name).collect();
    format!("must be one of {}", names.join(", "))
}

/// runc: `validate.scheduler`.
pub(super) fn scheduler(message: &pb::Scheduler, wrong: &mut Violations) -> Option<Scheduler> {
    use pb::{SchedulerFlag as Flag, SchedulerPolicy as Policy};
    const FIELD: &str = "options.process.scheduler";
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
    let flags = named(&message.flags, &FLAGS, &format!("{FIELD}.flags"), wrong);
    let mut refuse =
        |name: &str, words: &str| wrong.push(format!("{FIELD}.{name}"), format_args!("{words}"));
    let Some(policy) = name(message.policy, &POLICIES) else {
        refuse("policy", &one_of(&POLICIES));
        return None;
    };
    let pb::Scheduler { nice, priority, runtime, deadline, period, .. } = *message;
    let is_nice = matches!(message.policy(), Policy::Other | Policy::Batch);
    if is_nice && !(-20..=19).contains(&nice) {
        refuse("nice", "must be -20 to 19");
    } else if !is_nice && nice != 0 {
        refuse("nice", "goes with SCHED_OTHER and SCHED_BATCH alone");
    }
    let is_real_time = matches!(message.policy(), Policy::Fifo | Policy::Rr);
    if is_real_time && !(1..=99).contains(&priority) {
        refuse("priority", "must be 1 to 99");
    } else if !is_real_time && priority != 0 {
        refuse("priority", "goes with SCHED_FIFO and SCHED_RR alone");
    }
    if message.policy() == Policy::Deadline {
        if runtime == 0 || runtime > deadline || (period != 0 && deadline > period) {
            refuse("runtime", "must be at least 1 and at most deadline, which is at most period");
        }
    } else {
        for (name, number) in [("runtime", runtime), ("deadline", deadline), ("period", period)] {
            if number != 0 {
                refuse(name, "goes with SCHED_DEADLINE alone");
            }
        }
    }
    Some(Scheduler { policy, nice, priority, flags, runtime, deadline, period })
}

/// runc: `validate.ioPriority`.
pub(super) fn io_priority(message: pb::IoPriority, wrong: &mut Violations) -> Option<IoPriority> {
    use pb::IoPriorityClass as Class;
    const CLASSES: [(Class, &str); 3] = [
        (Class::Rt, "IOPRIO_CLASS_RT"),
        (Class::Be, "IOPRIO_CLASS_BE"),
        (Class::Idle, "IOPRIO_CLASS_IDLE"),
    ];
    if !(0..=7).contains(&message.priority) {
        wrong.push("options.process.io_priority.priority", "must be 0 to 7");
    }
    let class = name(message.class, &CLASSES).ok_or_else(|| one_of(&CLASSES));
    let class = wrong.keep("options.process.io_priority.class", class)?;
    Some(IoPriority { class, priority: message.priority })
}

pub(super) fn cpu_affinity(message: pb::CpuAffinity, wrong: &mut Violations) -> CpuAffinity {
    let pb::CpuAffinity { initial, r#final: last } = message;
    for (name, list) in [("initial", &initial), ("final", &last)] {
        if !list.is_empty() && !is_list(list) {
            wrong.push(format!("options.process.cpu_affinity.{name}"), LIST);
        }
    }
    CpuAffinity { initial, last }
}

pub(super) fn personality(
    message: pb::Personality,
    wrong: &mut Violations,
) -> Option<&'static str> {
    use pb::PersonalityDomain as Domain;
    const DOMAINS: [(Domain, &str); 2] = [(Domain::Linux, "LINUX"), (Domain::Linux32, "LINUX32")];
    let domain = name(message.domain, &DOMAINS).ok_or_else(|| one_of(&DOMAINS));
    wrong.keep("options.process.personality.domain", domain)
}

/// The rules are those of `set_mempolicy(2)`.
pub(super) fn memory_policy(
    message: pb::MemoryPolicy,
    wrong: &mut Violations,
) -> Option<MemoryPolicy> {
    use pb::{MemoryPolicyFlag as Flag, MemoryPolicyMode as Mode};
    const FIELD: &str = "options.process.memory_policy";
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
    let (mode_number, given) = (message.mode(), message.flags().collect::<Vec<_>>());
    let flags = named(&message.flags, &FLAGS, &format!("{FIELD}.flags"), wrong);
    if given.contains(&Flag::RelativeNodes) && given.contains(&Flag::StaticNodes) {
        wrong.push(format!("{FIELD}.flags"), "must not be both relative and static");
    }
    if given.contains(&Flag::NumaBalancing) && mode_number != Mode::Bind {
        wrong.push(format!("{FIELD}.flags"), "balancing goes with MPOL_BIND alone");
    }
    let nodes = message.nodes;
    let without_nodes = matches!(mode_number, Mode::Default | Mode::Local);
    let may_be_without = matches!(mode_number, Mode::Preferred | Mode::Unspecified);
    let problem = if without_nodes {
        (!nodes.is_empty()).then_some("must be empty for this mode")
    } else {
        let fits = is_list(&nodes) || (may_be_without && nodes.is_empty());
        (!fits).then_some(LIST)
    };
    if let Some(problem) = problem {
        wrong.push(format!("{FIELD}.nodes"), problem);
    }
    let mode = name(message.mode, &MODES).ok_or_else(|| one_of(&MODES));
    let mode = wrong.keep(&format!("{FIELD}.mode"), mode)?;
    Some(MemoryPolicy { mode, nodes, flags })
}
