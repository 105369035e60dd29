//! How the kernel schedules the process and allocates its memory.

use super::{Assembly, Inputs, Origin, SpecError, snake_case};
use crate::oci::Linux;

/// Sets the scheduler, the I/O priority, the CPUs of an exec, the execution domain and the memory policy. Each
/// replaces the profile's as a whole.
pub(super) fn scheduling(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.process;
    let names = assembly.process().replace(&options.replaced);
    attribute(assembly, "/process", &names);
    if options.replaced_linux != Linux::default() {
        let names = assembly.linux().replace(&options.replaced_linux);
        attribute(assembly, "/linux", &names);
    }
    Ok(())
}

/// Attributes each field to the option of its name.
fn attribute(assembly: &mut Assembly, section: &str, names: &[&str]) {
    for name in names {
        assembly.attribute_value(&format!("{section}/{name}"), || match *name {
            "execCPUAffinity" => Origin::message("process.cpu_affinity", 2),
            name => Origin::message(format_args!("process.{}", snake_case(name)), 2),
        });
    }
}
