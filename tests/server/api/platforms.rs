//! Which image of an index a request gets, by its profile and the features that it asks for.

use crate::api::{IMAGE, request, service};
use crate::support::layout::Layout;
use serde_json::{Value, json};
use specd::api::pb::specd::{GenerateRequest, Platform, SpecService};
use tonic::Request;

/// The first argument of the image that was taken.
async fn taken(layout: &Layout, request: GenerateRequest) -> String {
    let service = service(layout.source());
    let answer = service.generate(Request::new(request)).await.unwrap().into_inner();
    let spec: Value = serde_json::from_slice(&answer.spec.unwrap().value).unwrap();
    spec["process"]["args"][0].as_str().unwrap().to_owned()
}

fn layout() -> Layout {
    let mut layout = Layout::temp();
    let image = |name: &str, os: &str, architecture: &str| {
        let config = json!({"Cmd": [name], "Env": ["A=1"]});
        let config = json!({"os": os, "architecture": architecture, "config": config});
        layout.image(config, &[]).manifest
    };
    let index = layout.index(&[
        image("erofs", "linux", "amd64").platform("linux(+erofs)/amd64"),
        image("plain", "linux", "amd64").platform("linux/amd64"),
        image("wasm", "wasi", "wasm").platform("wasi/wasm"),
    ]);
    layout.tag(IMAGE, &index);
    layout
}

#[tokio::test]
async fn containerd_looks_at_features_from_2_3_on() {
    let layout = layout();
    for (profile, name) in [
        ("function", "plain"),
        ("faas-rs", "plain"),
        ("docker", "plain"),
        ("containerd-2.4", "plain"),
        ("containerd-2.3", "plain"),
        ("containerd-2.2", "erofs"),
        ("containerd-2.0", "erofs"),
        ("containerd-1.7", "erofs"),
        ("containerd-1.6", "erofs"),
    ] {
        let request = GenerateRequest { profile: profile.to_owned(), ..request("default") };
        assert_eq!(taken(&layout, request).await, name, "{profile}");
    }
}

#[tokio::test]
async fn features_and_other_systems_are_asked_for() {
    let layout = layout();
    for (os, architecture, features, name) in
        [("linux", "amd64", vec!["erofs".to_owned()], "erofs"), ("wasi", "wasm", vec![], "wasm")]
    {
        let (os, architecture) = (os.to_owned(), architecture.to_owned());
        let platform = Platform { os, architecture, os_features: features, ..Default::default() };
        for profile in ["function", "containerd-2.4", "docker"] {
            let platform = Some(platform.clone());
            let profile = profile.to_owned();
            let request = GenerateRequest { profile, platform, ..request("default") };
            assert_eq!(taken(&layout, request).await, name);
        }
    }
}
