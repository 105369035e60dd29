//! A program in front of the container's process.

use super::namespaces::is_private;
use super::{Assembly, Inputs, Origin, SpecError};
use crate::domain::sandbox::NamespaceKind;
use crate::oci::Mount;
use crate::paths::clean;

/// Where the program is in the container. Docker: `inContainerInitPath`.
const PATH: &str = "/sbin/docker-init";

/// Binds the program, and puts it before the arguments. Without arguments the spec breaks a rule, which refuses it.
///
/// Docker: `daemon.withCommonOptions`, which ignores the program without a private pid namespace. podman refuses it.
pub(super) fn init(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let Some(source) = &inputs.options.init else { return Ok(()) };
    if !is_private(assembly, NamespaceKind::Pid) {
        let text = "needs a private pid namespace: in another one it is not process 1";
        return Err(SpecError::field("options.init", text));
    }
    if assembly.spec.mounts.iter().any(|mount| clean(&mount.destination) == PATH) {
        let text = format!("is mounted on {PATH}, where another mount is: remove that mount");
        return Err(SpecError::field("options.init", text));
    }
    let args = &mut assembly.process().args;
    if args.is_empty() {
        return Ok(());
    }
    args.splice(0..0, [PATH, "--"].map(str::to_owned));
    // The last mount, so that none hides it.
    let mount = Mount {
        destination: PATH.to_owned(),
        kind: "bind".to_owned(),
        source: source.clone(),
        options: ["bind", "ro"].map(str::to_owned).to_vec(),
        ..Mount::default()
    };
    assembly.spec.mounts.push(mount.into());
    assembly.attribute_changes(|| Origin::option("init"));
    Ok(())
}
