//! Translates results to messages.

use crate::api::pb::specd as pb;
use crate::api::pb::specd::origin::Kind;
use crate::domain::encoding::Encoding;
use crate::domain::origin::{Field, Origin, Setting};
use crate::generate::explain::Explained;
use crate::generate::{ContainerFacts, Generated, ImageFacts, Offer};
use crate::image::metadata::healthcheck::Healthcheck;
use crate::image::platform::Platform;
use crate::spec::encode::{Encoded, PROCESS_TYPE_URL, RESOURCES_TYPE_URL, TYPE_URL};
use prost_types::Any;
use std::time::Duration;

/// The start of the names of containerd's runtimes for runc.
const RUNC: &str = "io.containerd.runc.";

/// The type URL of the options of containerd's runtime for runc. It has no prefix `type.googleapis.com/`.
const RUNC_OPTIONS: &str = "containerd.runc.v1.Options";

/// `containerd.runc.v1.Options` with `systemd_cgroup`, its field 9.
const SYSTEMD_CGROUP: &[u8] = &[9 << 3, 1];

/// The same message as protobuf's JSON.
const SYSTEMD_CGROUP_JSON: &[u8] = br#"{"systemdCgroup":true}"#;

/// A value in one of two fields: the `Any`, or the JSON.
fn encode(encoding: Encoding, type_url: &str, value: Vec<u8>) -> (Option<Any>, String) {
    match encoding {
        Encoding::Any => (Some(Any { type_url: type_url.to_owned(), value }), String::new()),
        Encoding::Json => (None, text(value)),
    }
}

/// The text of JSON, which is UTF-8.
fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_else(|error| {
        let json = error.into_bytes();
        String::from_utf8_lossy(&json).into_owned()
    })
}

/// The response of `Generate`.
#[must_use]
pub fn generated(generated: Generated, encoding: Encoding) -> pb::GenerateResponse {
    let (spec, spec_json) = encode(encoding, TYPE_URL, generated.spec.json);
    pb::GenerateResponse {
        spec,
        spec_json,
        container: Some(container(generated.container, encoding)),
        image: Some(image(generated.image)),
        warnings: generated.spec.warnings,
        profile: generated.profile,
    }
}

/// The response of `GenerateProcess`.
#[must_use]
pub fn process(process: Encoded, encoding: Encoding) -> pb::GenerateProcessResponse {
    let Encoded { json, warnings } = process;
    let (process, process_json) = encode(encoding, PROCESS_TYPE_URL, json);
    pb::GenerateProcessResponse { process, process_json, warnings }
}

/// The response of `GenerateResources`.
#[must_use]
pub fn resources(resources: Encoded, encoding: Encoding) -> pb::GenerateResourcesResponse {
    let Encoded { json, warnings } = resources;
    let (resources, resources_json) = encode(encoding, RESOURCES_TYPE_URL, json);
    pb::GenerateResourcesResponse { resources, resources_json, warnings }
}

fn container(facts: ContainerFacts, encoding: Encoding) -> pb::Container {
    let ContainerFacts { labels, runtime, spec, snapshotter, parent } = facts;
    let (options, options_json) = if runtime.starts_with(RUNC) {
        runc_options(spec.systemd_cgroup, encoding)
    } else {
        (None, String::new())
    };
    let labels_of_snapshot = spec.snapshot_labels.into_iter().collect();
    pb::Container {
        labels: labels.into_iter().collect(),
        runtime: Some(pb::ContainerRuntime { name: runtime, options, options_json }),
        snapshot: Some(pb::ContainerSnapshot { snapshotter, parent, labels: labels_of_snapshot }),
        terminal: spec.terminal,
    }
}

/// The options of containerd's runtime for runc.
fn runc_options(systemd_cgroup: bool, encoding: Encoding) -> (Option<Any>, String) {
    let value = match (systemd_cgroup, encoding) {
        (true, Encoding::Any) => SYSTEMD_CGROUP,
        (true, Encoding::Json) => SYSTEMD_CGROUP_JSON,
        (false, Encoding::Any) => &[],
        (false, Encoding::Json) => b"{}",
    };
    encode(encoding, RUNC_OPTIONS, value.to_vec())
}

fn image(facts: ImageFacts) -> pb::Image {
    pb::Image {
        name: facts.name,
        digest: facts.digest,
        manifest_digest: facts.manifest_digest,
        config_digest: facts.config_digest,
        platform: Some(platform(facts.platform)),
        exposed_ports: facts.exposed_ports,
        volumes: facts.volumes,
        healthcheck: facts.healthcheck.map(|check| healthcheck(*check)),
        stop_timeout: facts.stop_timeout,
    }
}

fn healthcheck(check: Healthcheck) -> pb::Healthcheck {
    // Zero is absent. Docker's durations, 64 bits of nanoseconds, fit.
    let duration = |duration: Duration| {
        (!duration.is_zero()).then(|| prost_types::Duration::try_from(duration).unwrap_or_default())
    };
    pb::Healthcheck {
        test: check.test,
        interval: duration(check.interval),
        timeout: duration(check.timeout),
        start_period: duration(check.start_period),
        start_interval: duration(check.start_interval),
        retries: check.retries,
    }
}

fn platform(platform: Platform) -> pb::Platform {
    let os_features = platform.os_features.list().to_vec();
    let Platform { os, architecture, variant, .. } = platform;
    pb::Platform { os, architecture, variant, os_features }
}

/// The response of `Explain`.
#[must_use]
pub fn explained(explained: Explained, encoding: Encoding) -> pb::ExplainResponse {
    pb::ExplainResponse {
        generated: Some(generated(explained.generated, encoding)),
        fields: explained.fields.into_iter().map(field).collect(),
    }
}

fn field(field: Field) -> pb::ExplainedField {
    let removed = field.now.value.is_none();
    let pb::FieldValue { value, origin } = setting(field.now);
    let replaced = field.before.into_iter().map(setting).collect();
    pb::ExplainedField { path: field.path, value, origin, replaced, removed }
}

fn setting(setting: Setting) -> pb::FieldValue {
    pb::FieldValue { value: setting.value.unwrap_or_default(), origin: Some(origin(setting.by)) }
}

fn origin(origin: Origin) -> pb::Origin {
    let text = origin.to_string();
    let line = |line: usize| u32::try_from(line).unwrap_or(u32::MAX);
    let kind = match origin {
        Origin::Profile { name, file, line: at } => {
            Kind::Profile(pb::ProfileOrigin { name, file, line: line(at) })
        }
        Origin::Image(field) => Kind::ImageField(field),
        Origin::Option { field, .. } => Kind::OptionField(field),
        Origin::Rule { step, text } => {
            Kind::Rule(pb::RuleOrigin { step: step.to_owned(), description: text })
        }
        Origin::Account { asked, file, line: at } => {
            Kind::Account(pb::AccountOrigin { asked, file: file.to_owned(), line: line(at) })
        }
        Origin::Host(fact) => Kind::HostFact(fact),
        Origin::MergePatch(pointer) => Kind::MergePatch(pointer),
    };
    pb::Origin { text, kind: Some(kind) }
}

/// The response of `ListProfiles`.
#[must_use]
pub fn profiles(offers: Vec<Offer>) -> pb::ListProfilesResponse {
    pb::ListProfilesResponse { profiles: offers.into_iter().map(profile).collect() }
}

fn profile(offer: Offer) -> pb::Profile {
    pb::Profile {
        name: offer.name,
        description: offer.description,
        aliases: offer.aliases,
        is_default: offer.is_default,
        equals: offer.equals,
        supported_until: offer.supported_until,
    }
}
