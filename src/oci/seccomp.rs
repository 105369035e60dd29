//! The system call filter.

use crate::oci::object;

object! {
    /// A system call filter.
    Seccomp {
        default_action: String = "defaultAction" (always),
        default_errno_ret: Option<u64> = "defaultErrnoRet",
        architectures: Vec<String> = "architectures",
        /// An empty list, which means no flags, differs from an absent one, which means the runtime's own.
        flags: Option<Vec<String>> = "flags",
        listener_path: String = "listenerPath",
        listener_metadata: String = "listenerMetadata",
        syscalls: Vec<Syscall> = "syscalls",
    }

    /// What happens to calls of some names, with some arguments.
    Syscall {
        names: Vec<String> = "names" (always),
        action: String = "action" (always),
        errno_ret: Option<u64> = "errnoRet",
        args: Vec<SyscallArg> = "args",
    }

    /// A comparison of one argument.
    SyscallArg {
        index: u64 = "index" (always),
        value: u64 = "value" (always),
        value_two: u64 = "valueTwo",
        op: String = "op" (always),
    }
}
