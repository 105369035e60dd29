//! The service over one image, in process.

pub(crate) use crate::support::layout::IMAGE;
use crate::support::layout::Layout;
use async_trait::async_trait;
use bytes::Bytes;
use specd::api::Service;
use specd::api::pb::specd::{GenerateRequest, GenerateResponse, SpecService};
use specd::domain::host_facts::HostFacts;
use specd::domain::ids::Namespace;
use specd::generate::catalog::Catalog;
use specd::generate::{Generator, Machine};
use specd::image::platform::Platform;
use specd::image::snapshot::key::SnapshotChoice;
use specd::image::{
    AccountFiles, Description, Descriptor, ImageError, ImageReader, NeededFiles, StoreReader,
};
use specd::spec::Profiles;
use specd::store::{Deadline, ImageStore};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tonic::{Request, Status};

/// The facts of a host of which nobody states more.
pub(crate) fn usual_facts() -> HostFacts {
    HostFacts { kernel: (6, 18), ..HostFacts::default() }
}

/// A service over one image.
pub(crate) struct Fixture {
    pub(crate) generator: Generator,
    _layout: Layout,
}

impl Fixture {
    /// An image with this configuration, byte for byte, and these account files.
    ///
    /// The files lie beside the image and not in a layer: a configuration that may not change can name no
    /// layers. Reading them out of layers has tests of its own.
    pub(crate) fn new(config: &[u8], passwd: Option<&[u8]>, group: Option<&[u8]>) -> Self {
        Self::with_facts(config, passwd, group, usual_facts())
    }

    /// The same, for a host with these facts.
    pub(crate) fn with_facts(
        config: &[u8],
        passwd: Option<&[u8]>,
        group: Option<&[u8]>,
        facts: HostFacts,
    ) -> Self {
        let mut layout = Layout::temp();
        let image = layout.raw_image(config, &[]);
        layout.tag(IMAGE, &image.manifest);
        let source: Arc<dyn ImageStore> = Arc::new(layout.source());
        let bytes = |file: Option<&[u8]>| file.map(Bytes::copy_from_slice);
        let files = AccountFiles { passwd: bytes(passwd), group: bytes(group) };
        let inner = StoreReader::new(Arc::clone(&source));
        Self::over(layout, source, Arc::new(GivenFiles { inner, files }), facts)
    }

    fn over(
        layout: Layout,
        source: Arc<dyn ImageStore>,
        reader: Arc<dyn ImageReader>,
        facts: HostFacts,
    ) -> Self {
        // Tests make thousands of fixtures, and the profiles are the same for all.
        static PROFILES: LazyLock<Catalog> =
            LazyLock::new(|| Profiles::built_in("function").unwrap().into());
        let profiles = PROFILES.clone();
        let node = Platform::new("linux", "amd64", "");
        Self { generator: Generator::new(source, reader, profiles, node, facts), _layout: layout }
    }

    /// The same, on a machine that has something; without one it has no devices.
    #[must_use]
    pub(crate) fn on(self, machine: Machine) -> Self {
        Self { generator: self.generator.on(machine), ..self }
    }

    /// The service.
    pub(crate) fn service(&self) -> Service {
        Service::new(self.generator.clone(), Duration::from_secs(60))
    }

    /// Calls Generate.
    pub(crate) async fn generate(
        &self,
        request: GenerateRequest,
    ) -> Result<GenerateResponse, Status> {
        let request = Request::new(with_image(request));
        self.service().generate(request).await.map(tonic::Response::into_inner)
    }
}

/// The request with the image of the fixture, unless it has one.
pub(crate) fn with_image(mut request: GenerateRequest) -> GenerateRequest {
    if request.image.is_empty() {
        IMAGE.clone_into(&mut request.image);
    }
    request
}

/// A reader that describes images truly and has account files of its own.
struct GivenFiles {
    inner: StoreReader,
    files: AccountFiles,
}

#[async_trait]
impl ImageReader for GivenFiles {
    async fn describe(
        &self,
        namespace: &Namespace,
        target: &Descriptor,
        platform: &Platform,
        deadline: Deadline,
    ) -> Result<Arc<Description>, ImageError> {
        self.inner.describe(namespace, target, platform, deadline).await
    }

    async fn read_account_files(
        &self,
        _: &Namespace,
        _: &Description,
        needed: NeededFiles,
        _: &SnapshotChoice,
        _: Deadline,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        Ok(Arc::new(AccountFiles {
            passwd: self.files.passwd.clone().filter(|_| needed.passwd),
            group: self.files.group.clone().filter(|_| needed.group),
        }))
    }
}
