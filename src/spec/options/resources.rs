//! What the container may use up.

use crate::domain::origin::Origin;
use crate::spec::draft::{Draft, from_json, to_json};
use crate::spec::error::SpecError;
use crate::spec::journal::patched;
use crate::spec::merge_patch;
use crate::spec::opt::Inputs;
use serde_json::Value;

/// Merges the limits over the profile's, each by itself.
///
/// containerd: `oci.WithMemoryLimit`, `oci.WithMemorySwap`, `oci.WithPidsLimit`, `oci.WithCPUShares`,
/// `oci.WithCPUCFS`, `oci.WithCPURT`, `oci.WithCPUBurst`, `oci.WithCPUs`, `oci.WithCPUsMems`,
/// `oci.WithBlockIO`.
pub(crate) fn resources(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let patch = to_json(&inputs.options.resources)?;
    if patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(());
    }
    let told = draft.is_explained().then(|| patch.clone());
    let mut resources = to_json(draft.linux.resources())?;
    merge_patch::apply(&mut resources, patch);
    draft.linux.set_resources(Some(from_json(resources)?));
    draft.explain("/linux/resources", || {
        let patch = told.unwrap_or_default();
        let origin = {
            let patch = patch.clone();
            move |pointer: &str| Origin::option(field(&patch, pointer))
        };
        patched("/linux/resources", patch, origin)
    });
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
            _ => path = format!("{path}.{}", snake(key)),
        }
        if matches!(key, "pids" | "hugepageLimits") {
            break;
        }
    }
    path
}

/// A name of the runtime specification as the options have it: `blockIO` is `block_io`.
fn snake(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut snake = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
        if at > 0 && byte.is_ascii_uppercase() && (lower(at - 1) || lower(at + 1)) {
            snake.push('_');
        }
        snake.push(char::from(byte.to_ascii_lowercase()));
    }
    snake
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
