//! From answers to messages.

use crate::domain::platform::Platform;
use crate::generate::{Generated, ImageFacts, Offer};
use crate::pb::specd as pb;
use crate::spec::encode::{Encoded, PROCESS_TYPE_URL, RESOURCES_TYPE_URL, TYPE_URL};
use prost_types::Any;

/// The answer of Generate.
#[must_use]
pub fn generated(generated: Generated) -> pb::GenerateResponse {
    pb::GenerateResponse {
        spec: Some(Any { type_url: TYPE_URL.to_owned(), value: generated.spec.json }),
        image: Some(image(generated.image)),
        warnings: generated.spec.warnings,
    }
}

/// The answer of `GenerateProcess`.
#[must_use]
pub fn process(process: Encoded) -> pb::GenerateProcessResponse {
    let Encoded { json, warnings } = process;
    let process = Some(Any { type_url: PROCESS_TYPE_URL.to_owned(), value: json });
    pb::GenerateProcessResponse { process, warnings }
}

/// The answer of `GenerateResources`.
#[must_use]
pub fn resources(resources: Encoded) -> pb::GenerateResourcesResponse {
    let Encoded { json, warnings } = resources;
    let resources = Some(Any { type_url: RESOURCES_TYPE_URL.to_owned(), value: json });
    pb::GenerateResourcesResponse { resources, warnings }
}

fn image(facts: ImageFacts) -> pb::Image {
    pb::Image {
        name: facts.name,
        digest: facts.digest,
        manifest_digest: facts.manifest_digest,
        config_digest: facts.config_digest,
        platform: Some(platform(facts.platform)),
        chain_id: facts.chain_id,
        exposed_ports: facts.exposed_ports,
        volumes: facts.volumes,
        stop_signal: facts.stop_signal,
        labels: facts.labels.into_iter().collect(),
    }
}

fn platform(platform: Platform) -> pb::Platform {
    pb::Platform { os: platform.os, architecture: platform.architecture, variant: platform.variant }
}

/// The answer of `ListProfiles`.
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
    }
}
