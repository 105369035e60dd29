//! Messages that have the fields of a struct of the runtime spec: each field is converted by its types.

use crate::api::pb::specd as pb;
use crate::oci::{
    ConsoleSize, Cpu, CpuAffinity, Hook, Hooks, IdMapping, IntelRdt, InterfacePriority, Memory,
    Mount, Network, Rdma, Rlimit, ThrottleDevice, TimeOffset,
};
use std::collections::BTreeMap;

/// What a field of a message becomes.
pub(super) trait Convert<T> {
    fn convert(self) -> T;
}

/// Types of the same values, or of more.
macro_rules! widen {
    ($($from:ty => $to:ty),* $(,)?) => {$(
        impl Convert<$to> for $from {
            fn convert(self) -> $to {
                self.into()
            }
        }
    )*};
}
widen!(bool => bool, i32 => i32, i64 => i64, u32 => u32, u64 => u64, String => String, i32 => i64, u32 => u64);

impl Convert<String> for Option<String> {
    fn convert(self) -> String {
        self.unwrap_or_default()
    }
}

impl Convert<bool> for Option<bool> {
    fn convert(self) -> bool {
        self.unwrap_or_default()
    }
}

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Option<B> {
        self.map(Convert::convert)
    }
}

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Vec<B> {
        self.into_iter().map(Convert::convert).collect()
    }
}

impl<A: Convert<B>, B> Convert<BTreeMap<String, B>> for BTreeMap<String, A> {
    fn convert(self) -> BTreeMap<String, B> {
        self.into_iter().map(|(key, value)| (key, value.convert())).collect()
    }
}

/// Lists every field of a message, with the name in the struct where it is another one.
macro_rules! convert {
    ($($message:ident => $object:ident { $($from:ident $(: $to:ident)?),* $(,)? })*) => {$(
        impl Convert<$object> for pb::$message {
            fn convert(self) -> $object {
                let Self { $($from $(: $to)?),* } = self;
                let mut object = $object::default();
                $(convert!(@set object $from $($to)?);)*
                object
            }
        }
    )*};
    (@set $object:ident $from:ident) => { $object.$from = $from.convert() };
    (@set $object:ident $from:ident $to:ident) => { $object.$to = $to.convert() };
}

convert! {
    ConsoleSize => ConsoleSize { height, width }
    CpuAffinity => CpuAffinity { initial, r#final: last }
    CpuResources => Cpu {
        shares, quota, burst, period, realtime_runtime, realtime_period, cpus, mems, idle,
    }
    Hook => Hook { path, args, env, timeout }
    HookOptions => Hooks {
        prestart, create_runtime, create_container, start_container, poststart, poststop,
    }
    IdMapping => IdMapping { container_id, host_id, size }
    InterfacePriority => InterfacePriority { name, priority }
    MemoryResources => Memory {
        limit, reservation, swap, swappiness, disable_oom_killer, check_before_update, kernel_tcp, use_hierarchy,
    }
    Mount => Mount { destination, r#type: kind, source, options, uid_mappings, gid_mappings }
    NetworkResources => Network { class_id, priorities }
    RdmaLimits => Rdma { hca_handles, hca_objects }
    RdtResources => IntelRdt {
        clos_id, schemata, l3_cache_schema, mem_bw_schema, enable_monitoring, enable_cmt, enable_mbm,
    }
    Rlimit => Rlimit { r#type: kind, hard, soft }
    ThrottleDevice => ThrottleDevice { major, minor, rate }
    TimeOffset => TimeOffset { secs, nanosecs }
}
