//! A policy: system call rules, some of them under conditions.
//!
//! One type holds all that comes in: the built-in files, Docker's format and a finished OCI object, which
//! is a policy without conditions. Reading it is `read`'s, deciding is `resolve`'s.

use crate::oci::{Seccomp, Syscall};

/// A policy that has been read and checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Policy {
    /// What no condition touches: everything but architectures and rules.
    pub(super) frame: Seccomp,
    /// Which architectures the filter covers.
    pub(super) architectures: Architectures,
    /// The rules, in order.
    pub(super) rules: Vec<Rule>,
    /// In which order the rules of capabilities come.
    pub(super) order: Order,
}

/// Which architectures a filter covers. Where nothing matches, it is the kernel's own alone.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Architectures {
    /// These, wherever it runs.
    Listed(Vec<String>),
    /// The entry of the host's own and those after it. Docker: `archMap`.
    Map(Vec<(String, Vec<String>)>),
    /// By Go's name of the architecture, whole lists. containerd's lists do not begin with the host's own.
    Of(Vec<(String, Vec<String>)>),
}

/// In which order the rules of capabilities come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As the policy has them.
    Policy,
    /// As the bounding set has the capabilities, in place of the first such rule.
    BoundingSet,
}

/// A rule and when it holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    /// The rule.
    pub(super) syscall: Syscall,
    /// It holds only where all of this does.
    pub(super) includes: Condition,
    /// It does not hold where any of this does.
    pub(super) excludes: Condition,
}

/// What a host and a container may be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Condition {
    /// Capabilities in the bounding set: to include, all of them; to exclude, any.
    pub(super) caps: Vec<String>,
    /// Names of architectures, as libseccomp has them: any of them.
    pub(super) arches: Vec<String>,
    /// The oldest kernel.
    pub(super) min_kernel: Option<(u32, u32)>,
}
