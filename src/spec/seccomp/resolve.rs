//! From a policy and the facts to the rules that hold.
//!
//! Nothing is read from the machine that this runs on, so the answer is right for any other.

use crate::oci::Seccomp;
use crate::spec::seccomp::SeccompFacts;
use crate::spec::seccomp::policy::{Architectures, Condition, Order, Policy, Rule};

/// Go's name of an architecture, libseccomp's, by which policies know it, and its constant.
const NAMES: [(&str, &str, &str); 16] = [
    ("386", "x86", "SCMP_ARCH_X86"),
    ("amd64", "amd64", "SCMP_ARCH_X86_64"),
    ("arm", "arm", "SCMP_ARCH_ARM"),
    ("arm64", "arm64", "SCMP_ARCH_AARCH64"),
    ("loong64", "loongarch64", "SCMP_ARCH_LOONGARCH64"),
    ("mips64", "mips64", "SCMP_ARCH_MIPS64"),
    ("mips64p32", "mips64n32", "SCMP_ARCH_MIPS64N32"),
    ("mips64le", "mipsel64", "SCMP_ARCH_MIPSEL64"),
    ("mips64p32le", "mips3l64n32", "SCMP_ARCH_MIPSEL64N32"),
    ("mipsle", "mipsel", "SCMP_ARCH_MIPSEL"),
    ("ppc", "ppc", "SCMP_ARCH_PPC"),
    ("ppc64", "ppc64", "SCMP_ARCH_PPC64"),
    ("ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"),
    ("riscv64", "riscv64", "SCMP_ARCH_RISCV64"),
    ("s390", "s390", "SCMP_ARCH_S390"),
    ("s390x", "s390x", "SCMP_ARCH_S390X"),
];

/// What the conditions are held against.
struct Host<'a> {
    native: Option<(&'static str, &'static str)>,
    facts: &'a SeccompFacts,
    bounding: &'a [String],
}

/// The filter that a policy is for one host and one container.
///
/// containerd: `contrib/seccomp.DefaultProfile`; Docker: `profiles/seccomp.LoadProfile`.
pub(super) fn resolve(policy: &Policy, facts: &SeccompFacts, bounding: &[String]) -> Seccomp {
    let native = NAMES
        .iter()
        .find(|(go, ..)| *go == facts.architecture)
        .map(|(_, name, constant)| (*name, *constant));
    let host = Host { native, facts, bounding };
    let syscalls: Vec<_> =
        host.rules(policy).into_iter().map(|rule| rule.syscall.clone()).collect();
    let mut filter = policy.frame.clone();
    filter.architectures = host.architectures(&policy.architectures);
    filter.syscalls = syscalls;
    filter
}

impl Host<'_> {
    fn architectures(&self, architectures: &Architectures) -> Vec<String> {
        match architectures {
            Architectures::Listed(list) => list.clone(),
            Architectures::Map(map) => {
                let own =
                    |(arch, _): &&(String, _)| self.native.is_some_and(|(_, own)| *arch == own);
                map.iter()
                    .find(own)
                    .map(|(arch, others)| [std::slice::from_ref(arch), others.as_slice()].concat())
                    .unwrap_or_default()
            }
            Architectures::Of(map) => map
                .iter()
                .find(|(name, _)| *name == self.facts.architecture)
                .map(|(_, list)| list.clone())
                .unwrap_or_default(),
        }
    }

    /// The rules that hold, in the policy's order of them.
    fn rules<'p>(&self, policy: &'p Policy) -> Vec<&'p Rule> {
        let held = policy.rules.iter().filter(|rule| self.holds(rule));
        match policy.order {
            Order::Policy => held.collect(),
            Order::BoundingSet => {
                let (mut of_caps, mut rules) = (Vec::new(), Vec::new());
                let mut place = None;
                for rule in held {
                    if rule.includes.caps.is_empty() {
                        rules.push(rule);
                    } else {
                        place.get_or_insert(rules.len());
                        of_caps.push(rule);
                    }
                }
                let in_order: Vec<&Rule> = self
                    .bounding
                    .iter()
                    .flat_map(|cap| of_caps.iter().filter(|rule| rule.includes.caps.contains(cap)))
                    .copied()
                    .collect();
                let place = place.unwrap_or(rules.len());
                rules.splice(place..place, in_order);
                rules
            }
        }
    }

    fn holds(&self, Rule { includes, excludes, .. }: &Rule) -> bool {
        let excluded = self.is_one_of(&excludes.arches)
            || excludes.caps.iter().any(|cap| self.bounding.contains(cap))
            || excludes.min_kernel.is_some_and(|kernel| self.facts.kernel >= kernel);
        !excluded && self.meets(includes)
    }

    fn meets(&self, Condition { caps, arches, min_kernel }: &Condition) -> bool {
        (arches.is_empty() || self.is_one_of(arches))
            && caps.iter().all(|cap| self.bounding.contains(cap))
            && min_kernel.is_none_or(|kernel| self.facts.kernel >= kernel)
    }

    fn is_one_of(&self, arches: &[String]) -> bool {
        self.native.is_some_and(|(name, _)| arches.iter().any(|arch| arch == name))
    }
}
