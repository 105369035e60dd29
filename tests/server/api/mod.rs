//! The service in process: what it asks its source, and what callers see of an image that is broken.

mod broken;
mod explain;
mod warm;

use specd::app;
use specd::config::host::HostConfig;
use specd::config::{Source, SourceConfig};
use specd::domain::platform::Platform;
use specd::image::source::ImageSource;
use specd::pb::specd::GenerateRequest;
use specd::rpc::Service;
use specd::spec::Profiles;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const IMAGE: &str = "registry.example/app:1";

/// The service as the server composes it, over a source.
fn service(source: impl ImageSource) -> Service {
    let source: Arc<dyn ImageSource> = Arc::new(source);
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
