//! Requests about an existing container.

use super::{container, process, resources};
use crate::api::pb::specd as pb;
use crate::domain::exec::{ExecRequest, UpdateRequest};
use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::request::{Options, ProcessOptions};
use crate::domain::violation::Violations;
use crate::generate::UnknownProfile;

/// Checks the request for an exec; which profiles there are is the generator's to say.
///
/// # Errors
///
/// Every violation, each with the path of its field.
pub fn exec(
    message: pb::GenerateProcessRequest,
    check_profile: impl FnOnce(Option<&str>) -> Result<(), UnknownProfile>,
) -> Result<ExecRequest, Violations> {
    let mut wrong = Violations::default();
    let namespace = wrong.keep("namespace", Namespace::parse(&message.namespace));
    let id = wrong.keep("id", ContainerId::parse(&message.id));
    let profile = (!message.profile.is_empty()).then_some(message.profile);
    wrong.keep("profile", check_profile(profile.as_deref()));
    let options = exec_options(message.options.unwrap_or_default(), &mut wrong);
    match (namespace, id) {
        (Some(namespace), Some(id)) if wrong.is_empty() => {
            Ok(ExecRequest { namespace, id, profile, options })
        }
        _ => Err(wrong),
    }
}

fn exec_options(message: pb::ExecOptions, wrong: &mut Violations) -> Options {
    let pb::ExecOptions { process, user, capabilities, security } = message;
    let process = process::process(process.unwrap_or_default(), wrong);
    if process.command.is_none() && process.entrypoint.is_none() {
        wrong.push("options.process.command", "is required: an exec needs a program to run");
    }
    let of_the_container = [
        ("personality", process.replaced_linux.personality.is_some()),
        ("memory_policy", process.replaced_linux.memory_policy.is_some()),
    ];
    for (name, _) in of_the_container.iter().filter(|(_, given)| *given) {
        let text = "belongs to the container and cannot be set in an exec";
        wrong.push(format!("options.process.{name}"), text);
    }
    // How an exec is attached is its own: the container's terminal says nothing of it.
    let process = ProcessOptions { terminal: process.terminal.or(Some(false)), ..process };
    let security = security.unwrap_or_default();
    let security = pb::SecurityOptions {
        no_new_privileges: security.no_new_privileges,
        apparmor_profile: security.apparmor_profile,
        selinux_label: security.selinux_label,
        ..Default::default()
    };
    Options {
        process,
        user: process::user(&user.unwrap_or_default(), wrong),
        capabilities: process::capabilities(capabilities.unwrap_or_default()),
        security: container::security(security, wrong),
        ..Options::default()
    }
}

/// Checks the request for other limits. Whether there is one is found out where they are merged.
///
/// # Errors
///
/// Every violation, each with the path of its field.
pub fn update(message: pb::GenerateResourcesRequest) -> Result<UpdateRequest, Violations> {
    let mut wrong = Violations::default();
    let message = message.options.unwrap_or_default().resources.unwrap_or_default();
    // Listed one by one, so that the author of a new one has to decide whether an update can have it: what is
    // not a part of LinuxResources cannot.
    let pb::ResourceOptions {
        cpu,
        memory,
        pids_limit,
        block_io,
        hugepage_limits,
        unified,
        rdma,
        network,
        rdt,
    } = message;
    if rdt.is_some() {
        wrong.push("options.resources.rdt", "cannot be updated in a running container");
    }
    let message = pb::ResourceOptions {
        cpu,
        memory,
        pids_limit,
        block_io,
        hugepage_limits,
        unified,
        rdma,
        network,
        rdt: None,
    };
    let resources = resources::resources(message, &mut wrong);
    if wrong.is_empty() { Ok(UpdateRequest { resources }) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: Option<&str>) -> Result<(), UnknownProfile> {
        match name {
            None => Ok(()),
            Some(_) => Err(UnknownProfile("function".to_owned())),
        }
    }

    fn fields(wrong: &Violations) -> Vec<&str> {
        wrong.iter().map(|violation| violation.field.as_str()).collect()
    }

    #[test]
    fn every_violation_of_an_exec_is_reported_at_once() {
        let message = pb::GenerateProcessRequest {
            namespace: "a/b".to_owned(),
            id: String::new(),
            profile: "nonsense".to_owned(),
            options: Some(pb::ExecOptions {
                process: Some(pb::ProcessOptions {
                    console_size: Some(pb::ConsoleSize { height: 1, width: 1 }),
                    ..Default::default()
                }),
                user: Some(pb::UserOptions {
                    user: Some("a:b:c".to_owned()),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(
            fields(&exec(message, known).unwrap_err()),
            [
                "namespace",
                "id",
                "profile",
                "options.process.console_size",
                "options.process.command",
                "options.user.user"
            ]
        );
    }

    #[test]
    fn an_exec_has_no_terminal_unless_it_is_asked_for() {
        let message = |terminal| pb::GenerateProcessRequest {
            namespace: "default".to_owned(),
            id: "web-1".to_owned(),
            options: Some(pb::ExecOptions {
                process: Some(pb::ProcessOptions {
                    command: Some(pb::StringList { values: vec!["id".to_owned()] }),
                    terminal,
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        };
        for (asked, becomes) in [(None, false), (Some(false), false), (Some(true), true)] {
            let request = exec(message(asked), known).unwrap();
            assert_eq!(request.options.process.terminal, Some(becomes));
        }
    }

    #[test]
    fn options_that_no_update_has_are_refused() {
        let rdt = Some(pb::RdtResources::default());
        let resources = pb::ResourceOptions { rdt, ..Default::default() };
        let options = Some(pb::UpdateOptions { resources: Some(resources) });
        let wrong =
            update(pb::GenerateResourcesRequest { options, ..Default::default() }).unwrap_err();
        assert_eq!(fields(&wrong), ["options.resources.rdt"]);
    }
}
