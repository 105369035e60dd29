//! How the kernel schedules the process and allocates its memory.

use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError, snake_case};

/// Sets the scheduler, the I/O priority, the CPUs of an exec, the execution domain and the memory policy. Each
/// replaces the profile's as a whole.
pub(super) fn scheduling(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.process;
    let process = assembly.process();
    let mut set = [
        ("scheduler", replace(&mut process.scheduler, options.scheduler.as_ref())),
        ("ioPriority", replace(&mut process.io_priority, options.io_priority.as_ref())),
        ("execCPUAffinity", replace(&mut process.exec_cpu_affinity, options.cpu_affinity.as_ref())),
    ];
    attribute(assembly, "/process", &set);
    if options.personality.is_some() || options.memory_policy.is_some() {
        let linux = assembly.linux();
        set = [
            ("personality", replace(&mut linux.personality, options.personality.as_ref())),
            ("memoryPolicy", replace(&mut linux.memory_policy, options.memory_policy.as_ref())),
            ("", false),
        ];
        attribute(assembly, "/linux", &set);
    }
    Ok(())
}

fn replace<T: Clone>(value: &mut Option<T>, new: Option<&T>) -> bool {
    if let Some(new) = new {
        *value = Some(new.clone());
    }
    new.is_some()
}

fn attribute(assembly: &mut Assembly, section: &'static str, set: &[(&str, bool)]) {
    if set.iter().all(|(_, is_set)| !is_set) {
        return;
    }
    assembly.attribute(section, || {
        move |change: &Change<'_>| {
            let field = change.key_in(section)?;
            set.iter().find(|(name, is_set)| *is_set && *name == field)?;
            let name = match field.as_str() {
                "execCPUAffinity" => "cpu_affinity".to_owned(),
                field => snake_case(field),
            };
            Some(Attribution::Set(Origin::message(format_args!("process.{name}"), 2)))
        }
    });
}
