//! Reflection: lists the services of the server, in both versions of the protocol.

use crate::api::pb::health;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

/// Adds reflection, v1 and v1alpha, for encoded descriptor sets and that of health.
///
/// # Errors
///
/// If a set does not decode or defines a type twice.
pub fn add(routes: Routes, descriptor_sets: &[&'static [u8]]) -> Result<Routes, Error> {
    let gzip = CompressionEncoding::Gzip;
    let (v1, v1alpha) =
        (builder(descriptor_sets).build_v1()?, builder(descriptor_sets).build_v1alpha()?);
    Ok(routes
        .add_service(v1.accept_compressed(gzip).send_compressed(gzip))
        .add_service(v1alpha.accept_compressed(gzip).send_compressed(gzip)))
}

fn builder(descriptor_sets: &[&'static [u8]]) -> Builder<'static> {
    descriptor_sets.iter().fold(
        Builder::configure().register_encoded_file_descriptor_set(health::DESCRIPTORS),
        |builder, set| builder.register_encoded_file_descriptor_set(set),
    )
}
