//! Reflection: lists the services of the server, in both versions of the protocol.

use crate::api::pb::health;
use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

/// Adds reflection, v1 and v1alpha, for encoded descriptor sets and that of health.
///
/// # Errors
///
/// If a set does not decode or defines a type twice.
pub fn add(routes: Routes, descriptor_sets: &[&'static [u8]]) -> Result<Routes, Error> {
    Ok(routes
        .add_service(builder(descriptor_sets).build_v1()?)
        .add_service(builder(descriptor_sets).build_v1alpha()?))
}

fn builder(descriptor_sets: &[&'static [u8]]) -> Builder<'static> {
    descriptor_sets.iter().fold(
        Builder::configure().register_encoded_file_descriptor_set(health::DESCRIPTORS),
        |builder, set| builder.register_encoded_file_descriptor_set(set),
    )
}
