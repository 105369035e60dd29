//! Resolves a name to a descriptor: `Images.Get`.

use super::headers;
use super::outgoing::Outgoing;
use super::status::{Call, Failure};
use crate::api::pb::containerd::{
    self as pb, GetImageRequest, ImagesClient, ListImagesRequest, ListNamespacesRequest,
    NamespacesClient,
};
use crate::domain::ids::Namespace;
use crate::domain::similar::similar;
use crate::image::Descriptor;
use crate::image::digest::Digest;
use crate::image::reference::ImageName;
use crate::store::{Resolved, StoreError};
use std::time::Duration;

/// How long containerd may take for each answer that only improves an error message.
const HINT_WITHIN: Duration = Duration::from_secs(2);

/// The most names that an error message suggests.
const NEAR: usize = 5;

/// The most images with which a name is compared.
const COMPARED: usize = 10_000;

/// Tries each candidate of a name until one exists.
///
/// containerd compares names byte for byte and does not know short ones.
pub(super) async fn resolve(
    channel: Outgoing,
    call: &Call,
    namespace: &Namespace,
    name: &ImageName,
) -> Result<Resolved, StoreError> {
    let mut client = ImagesClient::new(channel.clone());
    let candidates = name.candidates();
    for name in &candidates {
        let message = GetImageRequest { name: name.clone() };
        let request = headers::request(call, namespace, message)?;
        match call.bounded(client.get(request)).await {
            Ok(answer) => {
                let target = answer.into_inner().image.and_then(|image| image.target);
                let target =
                    target.ok_or_else(|| call.invalid(format!("image {name} without a target")))?;
                return Ok(Resolved { name: name.clone(), target: descriptor(call, target)? });
            }
            Err(Failure::Absent) => {}
            Err(Failure::Store(error)) => return Err(error),
        }
    }
    let hint = hint(channel, call, namespace, name).await;
    Err(StoreError::ImageNotFound { tried: candidates, hint })
}

/// What exists where the name does not: the namespace and names near to it. Empty if containerd does not say.
async fn hint(channel: Outgoing, call: &Call, namespace: &Namespace, name: &ImageName) -> String {
    let call = |method| Call { method, within: HINT_WITHIN, ..call.clone() };
    let listing = call("Namespaces.List");
    let mut client = NamespacesClient::new(channel.clone());
    let Ok(answer) = listing.bounded(client.list(ListNamespacesRequest {})).await else {
        return String::new();
    };
    let answer = answer.into_inner();
    let spaces: Vec<&str> = answer.namespaces.iter().map(|space| space.name.as_str()).collect();
    if !spaces.contains(&namespace.as_str()) {
        let most = spaces.iter().take(NEAR).copied().collect::<Vec<_>>().join(", ");
        return match most.as_str() {
            "" => format!("; namespace {namespace} does not exist, and there is no other"),
            most => format!("; namespace {namespace} does not exist, containerd has {most}"),
        };
    }
    let listing = call("Images.List");
    let mut client = ImagesClient::new(channel);
    let Ok(request) = headers::request(&listing, namespace, ListImagesRequest {}) else {
        return String::new();
    };
    let Ok(answer) = listing.bounded(client.list(request)).await else {
        return format!("; namespace {namespace} exists");
    };
    let images = answer.into_inner().images;
    let names = images.iter().take(COMPARED).map(|image| image.name.as_str());
    let near = similar(name.as_str(), names, ImageName::base, NEAR).join(", ");
    match near.as_str() {
        "" if images.is_empty() => format!("; namespace {namespace} exists and has no images"),
        "" => format!("; namespace {namespace} exists and has no image of a similar name"),
        near => format!("; namespace {namespace} has {near}"),
    }
}

fn descriptor(call: &Call, target: pb::Descriptor) -> Result<Descriptor, StoreError> {
    let digest = Digest::parse(&target.digest).map_err(|error| call.invalid(error))?;
    let size = u64::try_from(target.size)
        .map_err(|_| call.invalid(format!("{digest} with a size of {}", target.size)))?;
    Ok(Descriptor { media_type: target.media_type, digest, size, data: None, platform: None })
}
