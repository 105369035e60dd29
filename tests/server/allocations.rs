//! What a warm Generate allocates: a guard by counting, which no load of the machine disturbs.

use crate::support::layout::Layout;
use async_trait::async_trait;
use prost::Message as _;
use specd::api::Service;
use specd::api::codec::Received;
use specd::api::pb::specd::GenerateRequest;
use specd::domain::host_facts::HostFacts;
use specd::domain::ids::Namespace;
use specd::generate::Generator;
use specd::image::cache::CachedReader;
use specd::image::platform::Platform;
use specd::image::reference::ImageName;
use specd::image::{Descriptor, StoreReader};
use specd::spec::Profiles;
use specd::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tonic::Request;

const IMAGE: &str = "registry.example/app:1";

/// A store with one name, so that a lookup allocates what its answer holds and no more.
struct OneName {
    store: Arc<dyn ImageStore>,
    resolved: Resolved,
}

#[async_trait]
impl ImageStore for OneName {
    async fn resolve(
        &self,
        _: &Namespace,
        _: &ImageName,
        _: Deadline,
    ) -> Result<Resolved, StoreError> {
        Ok(self.resolved.clone())
    }

    async fn open(
        &self,
        namespace: &Namespace,
        blob: &Descriptor,
        deadline: Deadline,
    ) -> Result<BlobStream, StoreError> {
        self.store.open(namespace, blob, deadline).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

async fn service(layout: &mut Layout) -> Service {
    let config = br#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]},
        "config":{"Cmd":["/bin/app"],"Env":["PATH=/bin","LANG=C"],"User":"1000:1000","WorkingDir":"/srv"}}"#;
    let image = layout.raw_image(config, &[]);
    layout.tag(IMAGE, &image.manifest);
    let store: Arc<dyn ImageStore> = Arc::new(layout.source());
    let (namespace, name) = (Namespace::parse("default"), ImageName::parse(IMAGE));
    let resolved =
        store.resolve(&namespace.unwrap(), &name.unwrap(), Deadline::NONE).await.unwrap();
    let store: Arc<dyn ImageStore> = Arc::new(OneName { store, resolved });
    let reader = CachedReader::new(StoreReader::new(Arc::clone(&store)), 1 << 20);
    let facts = HostFacts { kernel: (6, 18), ..HostFacts::default() };
    let profiles = Profiles::built_in("function").unwrap();
    let node = Platform::new("linux", "amd64", "");
    let generator = Generator::new(store, Arc::new(reader), profiles, node, facts);
    Service::new(generator, Duration::from_secs(60))
}

#[test]
fn a_warm_call_allocates_little() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut layout = Layout::temp();
    let service = runtime.block_on(service(&mut layout));
    let mut measured = Vec::new();
    for profile in ["containerd-2.4", "function", "docker"] {
        let request = GenerateRequest {
            image: IMAGE.to_owned(),
            namespace: "default".to_owned(),
            id: "app-1".to_owned(),
            profile: profile.to_owned(),
            ..GenerateRequest::default()
        };
        let request = Received::new(request.encode_to_vec().into());
        let mut encoded = Vec::with_capacity(64 << 10);
        let mut call = || {
            let answer = service.generate_received(Request::new(request.clone()));
            let answer = runtime.block_on(answer).unwrap().into_inner();
            encoded.clear();
            answer.encode(&mut encoded).unwrap();
        };
        (0..100).for_each(|_| call());
        // The fewest of several calls: now and then the cache tidies up.
        let calls = (0..20).map(|_| allocation_counter::measure(&mut call));
        let fewest = calls.min_by_key(|info| info.count_total).unwrap();
        measured.push((profile, fewest.count_total, fewest.bytes_total));
    }
    // What is allocated bounds what is copied, beside the answer itself.
    for (profile, count, bytes) in &measured {
        assert!(*count <= 10 && *bytes <= 4_000, "{profile}: {measured:?}");
    }
}
