//! The service in process: what it asks its source, and what callers see of an image that is broken.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod broken;
mod explain;
#[path = "../support/mod.rs"]
mod support;
mod warm;

use specd::commands::source::{ContainerdArgs, HostArgs, SourceArgs};
use specd::domain::ids::Snapshotter;
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
    let args = SourceArgs {
        containerd: ContainerdArgs {
            containerd: PathBuf::new(),
            snapshot_root: None,
            snapshot_timeout: Duration::from_secs(60),
        },
        oci_layout: Some(PathBuf::new()),
        platform: Some(Platform::new("linux", "amd64", "")),
        host: HostArgs {
            thermal_throttle_cpus: Some(Vec::new()),
            kernel: Some((6, 18)),
            ..HostArgs::default()
        },
    };
    let profiles = Profiles::built_in("function").unwrap();
    let snapshotter = Snapshotter::parse("overlayfs").unwrap();
    let generator = args.generator(source, snapshotter, profiles, 16 << 20, Arc::new(()));
    Service::new(generator.unwrap().0, Duration::from_secs(60))
}

fn request(namespace: &str) -> GenerateRequest {
    GenerateRequest {
        image: IMAGE.to_owned(),
        namespace: namespace.to_owned(),
        id: "web-1".to_owned(),
        ..Default::default()
    }
}
