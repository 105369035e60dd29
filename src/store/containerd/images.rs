//! Resolves a name to a descriptor: `Images.Get`.

use super::headers;
use super::outgoing::Outgoing;
use super::status::{Call, Failure};
use crate::api::pb::containerd::{self as pb, GetImageRequest, ImagesClient};
use crate::domain::ids::Namespace;
use crate::image::Descriptor;
use crate::image::digest::Digest;
use crate::image::reference::ImageName;
use crate::store::{Resolved, StoreError};

/// Tries each candidate of a name until one exists.
///
/// containerd compares names byte for byte and does not know short ones.
pub(super) async fn resolve(
    channel: Outgoing,
    call: &Call,
    namespace: &Namespace,
    name: &ImageName,
) -> Result<Resolved, StoreError> {
    let mut client = ImagesClient::new(channel);
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
    Err(StoreError::ImageNotFound { tried: candidates })
}

fn descriptor(call: &Call, target: pb::Descriptor) -> Result<Descriptor, StoreError> {
    let digest = Digest::parse(&target.digest).map_err(|error| call.invalid(error))?;
    let size = u64::try_from(target.size)
        .map_err(|_| call.invalid(format!("{digest} with a size of {}", target.size)))?;
    Ok(Descriptor { media_type: target.media_type, digest, size, data: None, platform: None })
}
