//! The service in process: what it asks its source, and what callers see of an image that is broken.

mod broken;
mod explain;
mod platforms;
mod warm;

use specd::api::Service;
use specd::api::pb::specd::GenerateRequest;
use specd::commands::source::{ContainerdArgs, HostArgs, SourceArgs};
use specd::domain::ids::Snapshotter;
use specd::image::platform::Platform;
use specd::spec::Profiles;
use specd::store::ImageStore;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const IMAGE: &str = "registry.example/app:1";

/// The service as the server composes it, over a source.
fn service(source: impl ImageStore) -> Service {
    let source: Arc<dyn ImageStore> = Arc::new(source);
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
    let (_, silence) = tokio::sync::watch::channel(false);
    let generator = args.generator(source, snapshotter, profiles, 16 << 20, Arc::new(()), &silence);
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
