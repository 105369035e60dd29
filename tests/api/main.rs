//! The service in process: what it asks its source, and what callers see of an image that is broken.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod broken;
mod explain;
#[path = "../support/mod.rs"]
mod support;
mod warm;

use specd::app;
use specd::config::host::HostConfig;
use specd::config::{Source, SourceConfig};
use specd::image::platform::Platform;
use specd::pb::specd::GenerateRequest;
use specd::rpc::Service;
use specd::spec::Profiles;
use specd::store::ImageStore;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const IMAGE: &str = "registry.example/app:1";

/// The service as the server composes it, over a source.
fn service(source: impl ImageStore) -> Service {
    let source: Arc<dyn ImageStore> = Arc::new(source);
    let config = SourceConfig {
        snapshots: None,
        source: Source::OciLayout(PathBuf::new()),
        platform: Platform::new("linux", "amd64", ""),
        host: HostConfig {
            thermal_throttle_cpus: Some(Vec::new()),
            kernel: Some((6, 18)),
            ..HostConfig::default()
        },
    };
    let profiles = Profiles::built_in("function").unwrap();
    app::service(&source, &config, profiles, 16 << 20, Duration::from_secs(60)).unwrap()
}

fn request(namespace: &str) -> GenerateRequest {
    GenerateRequest {
        image: IMAGE.to_owned(),
        namespace: namespace.to_owned(),
        id: "web-1".to_owned(),
        ..Default::default()
    }
}
