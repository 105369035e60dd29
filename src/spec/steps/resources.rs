//! Resource limits.

use super::{Assembly, Inputs, Origin, SpecError, snake_case};
use crate::oci::{Member, Resources};
use crate::spec::provenance::patched;
use serde_json::Value;

/// Merges the limits over the profile's, each by itself.
///
/// containerd: `oci.WithMemoryLimit`, `oci.WithMemorySwap`, `oci.WithPidsLimit`, `oci.WithCPUShares`,
/// `oci.WithCPUCFS`, `oci.WithCPURT`, `oci.WithCPUBurst`, `oci.WithCPUs`, `oci.WithCPUsMems`,
/// `oci.WithBlockIO`.
pub(super) fn resources(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let limits = &inputs.options.resources;
    if *limits == Resources::default() {
        return Ok(());
    }
    Member::merge(&mut **assembly.linux().resources.get_or_insert_default(), limits.clone());
    attribute_resources(limits, assembly)
}

/// Attributes limits to the options of the request.
pub(in crate::spec) fn attribute_resources(
    limits: &Resources,
    assembly: &mut Assembly,
) -> Result<(), SpecError> {
    if assembly.provenance.is_some() {
        let patch = serde_json::to_value(limits)?;
        assembly.attribute("/linux/resources", || {
            let given = patch.clone();
            let origin = move |pointer: &str| Origin::option(field(&given, pointer));
            patched("/linux/resources", patch, origin)
        });
    }
    Ok(())
}
/// The path of the option that a place in the resources is set by.
fn field(patch: &Value, pointer: &str) -> String {
    let mut path = "resources".to_owned();
    let mut keys = pointer.split('/').skip(1);
    while let Some(key) = keys.next() {
        match key {
            "pids" => path.push_str(".pids_limit"),
            "unified" | "rdma" => {
                path = format!("{path}.{key}");
                let name = keys.next().map(|name| name.replace("~1", "/").replace("~0", "~"));
                path.extend(name.map(|name| format!("[{name:?}]")));
            }
            "hugepageLimits" => {
                path.push_str(".hugepage_limits");
                let index = keys.next().and_then(|index| index.parse::<usize>().ok());
                let limit = index.and_then(|index| patch.get(key)?.get(index));
                let size = limit.and_then(|limit| limit.get("pageSize"));
                path.extend(size.map(|size| format!("[{size}]")));
            }
            _ if key.bytes().all(|byte| byte.is_ascii_digit()) => path = format!("{path}[{key}]"),
            _ => path = format!("{path}.{}", snake_case(key)),
        }
        if matches!(key, "pids" | "hugepageLimits") {
            break;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_are_named_as_a_request_has_them() {
        let patch = json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 1}]});
        for (pointer, path) in [
            ("/memory/disableOOMKiller", "resources.memory.disable_oom_killer"),
            ("/cpu/realtimeRuntime", "resources.cpu.realtime_runtime"),
            ("/pids/limit", "resources.pids_limit"),
            ("/blockIO/weight", "resources.block_io.weight"),
            (
                "/blockIO/throttleReadIOPSDevice/1/rate",
                "resources.block_io.throttle_read_iops_device[1].rate",
            ),
            ("/hugepageLimits/0/limit", "resources.hugepage_limits[\"2MB\"]"),
            ("/unified/memory.high", "resources.unified[\"memory.high\"]"),
        ] {
            assert_eq!(field(&patch, pointer), path);
        }
    }
}
