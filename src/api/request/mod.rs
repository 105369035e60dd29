//! From messages to a checked request, or to everything that is wrong with it.

mod container;
mod convert;
mod devices;
mod mounts;
mod process;
mod resources;
mod scheduling;
mod tasks;

pub use tasks::{exec, update};

use crate::api::pb::specd as pb;
use crate::domain::ids::{ContainerId, Namespace, Snapshotter};
use crate::domain::labels;
use crate::domain::request::{Names, Options, Request};
use crate::domain::violation::Violations;
use crate::generate::UnknownProfile;
use crate::image::platform::{OsFeatures, Platform};
use crate::image::reference::ImageName;
use crate::image::snapshot::key::{SnapshotChoice, SnapshotKey};
use crate::oci::{Hook, Hooks};
use convert::{Convert, convert};

convert! {
    Hook => Hook { path, args, env, timeout }
    HookOptions => Hooks {
        prestart, create_runtime, create_container, start_container, poststart, poststop,
    }
}

/// Checks a request; which profiles there are is the generator's to say.
///
/// # Errors
///
/// Every violation, each with the path of its field.
pub fn container(
    message: pb::GenerateRequest,
    check_profile: impl FnOnce(Option<&str>) -> Result<(), UnknownProfile>,
) -> Result<Request, Violations> {
    let mut wrong = Violations::default();
    let image = wrong.keep("image", ImageName::parse(&message.image));
    let namespace = wrong.keep("namespace", Namespace::parse(&message.namespace));
    let id = wrong.keep("id", ContainerId::parse(&message.id));
    let profile = (!message.profile.is_empty()).then_some(message.profile);
    wrong.keep("profile", check_profile(profile.as_deref()));
    let platform = message.platform.and_then(|message| platform(&message, &mut wrong));
    let options =
        options(message.options.map_or_else(Default::default, |boxed| *boxed), &mut wrong);
    let snapshot = snapshot(&message.snapshotter, &message.snapshot_key, &mut wrong);
    let labels = message.labels;
    for (key, value) in &labels {
        if let Err(error) = labels::check(key, value) {
            wrong.push(format!("labels[{key:?}]"), error);
        }
    }
    match (image, namespace, id) {
        (Some(image), Some(namespace), Some(id)) if wrong.is_empty() => {
            let request = Request {
                names: Names { image, namespace, profile },
                id,
                platform,
                options,
                snapshot,
                labels,
            };
            Ok(request)
        }
        _ => Err(wrong),
    }
}

fn snapshot(snapshotter: &str, key: &str, wrong: &mut Violations) -> SnapshotChoice {
    let given = |text: &&str| !text.is_empty();
    let snapshotter = Some(snapshotter).filter(given);
    let snapshotter = snapshotter.and_then(|s| wrong.keep("snapshotter", Snapshotter::parse(s)));
    let key = Some(key).filter(given);
    let key = key.and_then(|key| wrong.keep("snapshot_key", SnapshotKey::parse(key)));
    SnapshotChoice { snapshotter, key }
}

/// The most features of an operating system that a request may name.
const OS_FEATURES: usize = 32;

/// The platform; nothing where the message is empty, which means the node's.
fn platform(message: &pb::Platform, wrong: &mut Violations) -> Option<Platform> {
    let pb::Platform { os, architecture, variant, os_features } = message;
    if message == &pb::Platform::default() {
        return None;
    }
    let platform = Platform::new(os, architecture, variant);
    if !platform.has_linux_spec() {
        wrong.push("platform.os", "must not be windows or darwin: specd makes specs for Linux");
    }
    if architecture.is_empty() {
        wrong
            .push("platform.architecture", "must not be empty, for example \"amd64\" or \"arm64\"");
    }
    let word = |text: &str| {
        text.len() <= 32 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    for (field, text) in [
        ("platform.os", os),
        ("platform.architecture", architecture),
        ("platform.variant", variant),
    ] {
        if !word(text) {
            wrong.push(field, "must be at most 32 letters, digits, '.', '_' or '-'");
        }
    }
    if os_features.len() > OS_FEATURES {
        wrong.push("platform.os_features", format!("at most {OS_FEATURES} are allowed"));
    }
    for (index, feature) in os_features.iter().take(OS_FEATURES).enumerate() {
        if feature.is_empty() || !word(feature) {
            let field = format!("platform.os_features[{index}]");
            wrong.push(field, "must be 1 to 32 letters, digits, '.', '_' or '-'");
        }
    }
    Some(platform.with_os_features(OsFeatures::new(os_features.clone())))
}

fn options(mut message: pb::SpecOptions, wrong: &mut Violations) -> Box<Options> {
    let rdt = message.resources.as_mut().and_then(|resources| resources.rdt.take());
    if let Some(hostname) = &message.hostname {
        check_hostname("options.hostname", hostname, wrong);
    }
    if let Some(domainname) = &message.domainname {
        check_hostname("options.domainname", domainname, wrong);
    }
    if let Some(init) = &message.init {
        absolute(|| "options.init.path".to_owned(), &init.path, wrong);
    }
    if message.annotations.contains_key("") {
        wrong.push("options.annotations", "must not have an empty key");
    }
    let rootless = message.rootless.map(|rootless| container::rootless(rootless, &message, wrong));
    Box::new(Options {
        rootless,
        process: process::process(message.process.unwrap_or_default(), wrong),
        user: process::user(&message.user.unwrap_or_default(), wrong),
        capabilities: process::capabilities(message.capabilities.unwrap_or_default()),
        root: mounts::root(message.root.unwrap_or_default(), wrong),
        mounts: mounts::mounts(message.mounts.unwrap_or_default(), wrong),
        hostname: message.hostname,
        domainname: message.domainname,
        namespaces: container::namespaces(message.namespaces.unwrap_or_default(), wrong),
        cgroup: message.cgroup.and_then(|cgroup| container::cgroup(cgroup, wrong)),
        rdt: rdt.convert(),
        resources: resources::resources(message.resources.unwrap_or_default(), wrong),
        devices: devices::devices(message.devices.unwrap_or_default(), wrong),
        security: container::security(message.security.unwrap_or_default(), wrong),
        annotations: message.annotations,
        hooks: message.hooks.unwrap_or_default().convert(),
        oci_version: message.oci_version,
        cdi_devices: devices::cdi_devices(&message.cdi_devices, wrong),
        init: message.init.map(|init| init.path),
        merge_patch: message.spec_merge_patch,
    })
}

fn check_hostname(field: &str, hostname: &str, wrong: &mut Violations) {
    let plain = hostname.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if hostname.is_empty() || !plain {
        wrong.push(field, "must not be empty or contain white space");
    }
}

/// Refuses a path that is not absolute.
fn absolute(field: impl FnOnce() -> String, path: &str, wrong: &mut Violations) {
    if !path.starts_with('/') || path.contains('\0') {
        wrong.push(field(), "must be an absolute path");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: pb::GenerateRequest) -> Result<Request, Vec<String>> {
        let known = |name: Option<&str>| match name {
            None | Some("function") => Ok(()),
            Some(_) => Err(UnknownProfile("function".to_owned())),
        };
        let fields = |wrong: Violations| wrong.iter().map(|v| v.field.clone()).collect();
        container(message, known).map_err(fields)
    }

    fn good() -> pb::GenerateRequest {
        pb::GenerateRequest {
            image: "nginx".to_owned(),
            namespace: "default".to_owned(),
            id: "web-1".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn the_least_request() {
        let request = check(good()).unwrap();
        assert_eq!(request.names.image.as_str(), "nginx");
        assert!(request.names.profile.is_none() && request.platform.is_none());
        assert_eq!(request.snapshot, SnapshotChoice::default());
        let empty = pb::GenerateRequest { platform: Some(pb::Platform::default()), ..good() };
        assert!(check(empty).unwrap().platform.is_none());
    }

    #[test]
    fn every_violation_is_reported_at_once() {
        let message = pb::GenerateRequest {
            image: String::new(),
            namespace: "a/b".to_owned(),
            id: "..".to_owned(),
            profile: "nonsense".to_owned(),
            platform: Some(pb::Platform {
                os: "windows".to_owned(),
                architecture: String::new(),
                variant: "v 8".to_owned(),
                os_features: vec!["erofs".to_owned(), "a+b".to_owned()],
            }),
            options: Some(Box::new(pb::SpecOptions {
                process: Some(pb::ProcessOptions {
                    env: vec!["A=1".into(), String::new(), "=x".into()],
                    ..Default::default()
                }),
                user: Some(pb::UserOptions {
                    user: Some("4294967296".to_owned()),
                    additional_groups: vec!["ok".into(), "a:b".into(), "-1".into()],
                    ..Default::default()
                }),
                hostname: Some("a b".to_owned()),
                ..Default::default()
            })),
            snapshotter: "a/b".to_owned(),
            snapshot_key: "a\nb".to_owned(),
            encoding: 0,
            labels: [
                (String::new(), String::new()),
                ("a".to_owned(), "b".to_owned()),
                ("k".to_owned(), "v".repeat(4096)),
            ]
            .into(),
        };
        assert_eq!(
            check(message).unwrap_err(),
            [
                "image",
                "namespace",
                "id",
                "profile",
                "platform.os",
                "platform.architecture",
                "platform.variant",
                "platform.os_features[1]",
                "options.hostname",
                "options.process.env[1]",
                "options.process.env[2]",
                "options.user.user",
                "options.user.additional_groups[1]",
                "options.user.additional_groups[2]",
                "snapshotter",
                "snapshot_key",
                "labels[\"\"]",
                "labels[\"k\"]",
            ]
        );
    }

    #[test]
    fn absent_and_empty_lists_differ() {
        let process = pb::ProcessOptions {
            entrypoint: Some(pb::StringList::default()),
            ..Default::default()
        };
        let options = pb::SpecOptions { process: Some(process), ..Default::default() };
        let request =
            check(pb::GenerateRequest { options: Some(options.into()), ..good() }).unwrap();
        assert_eq!(request.options.process.entrypoint, Some(vec![]));
        assert_eq!(request.options.process.command, None);
    }
}
