//! From answers to messages.

use crate::domain::platform::Platform;
use crate::generate::{Generated, ImageFacts, Offer};
use crate::pb::specd as pb;
use crate::spec::encode::TYPE_URL;
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
