//! containerd's side of the calls, out of memory and over a real socket: it notes what it is asked with,
//! and waits where a test asks for it.

use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::UnixListener;
use tokio::sync::Notify;
use tonic::server::{Grpc, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// The container that it has.
pub(crate) const CONTAINER: &str = "app-1";

/// The process of that container.
pub(crate) const PROCESS: &str =
    r#"{"user":{"uid":7,"gid":8},"args":["/bin/app"],"env":["PATH=/bin"],"cwd":"/"}"#;

/// The image that it has.
pub(crate) const IMAGE: &str = "registry.example/app:1";

/// A message of any kind, field by field as the wire has it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct GetImage {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ImageAnswer {
    #[prost(message, optional, tag = "1")]
    image: Option<StoredImage>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct GetContainer {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContainerAnswer {
    #[prost(message, optional, tag = "1")]
    container: Option<StoredContainer>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StoredContainer {
    #[prost(message, optional, tag = "5")]
    spec: Option<prost_types::Any>,
    #[prost(string, tag = "6")]
    snapshotter: String,
    #[prost(string, tag = "7")]
    snapshot_key: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StoredImage {
    #[prost(message, optional, tag = "3")]
    target: Option<Target>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Target {
    #[prost(string, tag = "1")]
    media_type: String,
    #[prost(string, tag = "2")]
    digest: String,
    #[prost(int64, tag = "3")]
    size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct GetNamespace {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct NamespaceAnswer {
    #[prost(message, optional, tag = "1")]
    namespace: Option<StoredNamespace>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StoredNamespace {
    #[prost(map = "string, string", tag = "2")]
    labels: HashMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReadContent {
    #[prost(string, tag = "1")]
    digest: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Chunk {
    #[prost(int64, tag = "1")]
    offset: i64,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

/// What it has, knows and does.
#[derive(Default)]
struct State {
    blobs: HashMap<String, Vec<u8>>,
    target: Target,
    hangs: AtomicBool,
    is_stopped: AtomicBool,
    running: AtomicUsize,
    changed: Notify,
    /// The release that it states.
    release: Mutex<String>,
    /// The labels of every namespace.
    labels: Mutex<HashMap<String, String>>,
    /// Ends every connection.
    cut: Notify,
    /// The headers of each call, with its path.
    seen: Mutex<Vec<(String, http::HeaderMap)>>,
}

#[derive(Clone)]
pub(crate) struct FakeContainerd(Arc<State>);

/// Tells when a call is over, answered or given up.
struct Running(Arc<State>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl FakeContainerd {
    /// One image without layers, with this environment and these labels.
    pub(crate) fn new(env: &[&str], labels: &[(&str, &str)]) -> Self {
        let mut state = State::default();
        let mut add = |media_type: &str, value: serde_json::Value| {
            let bytes = value.to_string().into_bytes();
            let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
            let size = bytes.len();
            state.blobs.insert(digest.clone(), bytes);
            json!({"mediaType": media_type, "digest": digest, "size": size})
        };
        let labels: HashMap<_, _> = labels.iter().copied().collect();
        let config = add(
            "application/vnd.oci.image.config.v1+json",
            json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []},
                   "config": {"Cmd": ["/bin/app"], "Env": env, "Labels": labels, "User": "1000:1000"}}),
        );
        let manifest = "application/vnd.oci.image.manifest.v1+json";
        let target = add(
            manifest,
            json!({"schemaVersion": 2, "mediaType": manifest, "config": config, "layers": []}),
        );
        state.target = Target {
            media_type: manifest.to_owned(),
            digest: target["digest"].as_str().unwrap().to_owned(),
            size: target["size"].as_i64().unwrap(),
        };
        Self(Arc::new(state))
    }

    /// Serves on a socket of its own for as long as the directory is kept.
    pub(crate) fn serve(&self) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("containerd.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let fake = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (fake, state) = (fake.clone(), Arc::clone(&fake.0));
                let service = hyper::service::service_fn(move |request| {
                    let fake = fake.clone();
                    async move { Ok::<_, Infallible>(fake.answer(request).await) }
                });
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move {
                    tokio::select! {
                        _ = connection => {}
                        () = state.cut.notified() => {}
                    }
                });
            }
        });
        (directory, socket)
    }

    /// From now on it is another release, which has ended the connections of the one before.
    pub(crate) fn becomes(&self, release: &str) {
        release.clone_into(&mut self.0.release.lock().unwrap());
        self.0.cut.notify_waiters();
    }

    /// From now on every namespace has these labels.
    pub(crate) fn has_labels(&self, labels: &[(&str, &str)]) {
        let owned = labels.iter().map(|(key, value)| (key.to_string(), value.to_string()));
        *self.0.labels.lock().unwrap() = owned.collect();
    }

    /// Whether its calls, pings excepted, are left without an answer.
    pub(crate) fn hangs(&self, hangs: bool) {
        self.0.hangs.store(hangs, Ordering::SeqCst);
    }

    /// Whether nothing is answered, pings neither, as by a process that has got SIGSTOP.
    pub(crate) fn stops(&self, stops: bool) {
        self.0.is_stopped.store(stops, Ordering::SeqCst);
        self.hangs(stops);
    }

    /// Waits until so many calls run.
    pub(crate) async fn runs(&self, count: usize) {
        loop {
            let changed = self.0.changed.notified();
            if self.0.running.load(Ordering::SeqCst) == count {
                return;
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {}
            }
        }
    }

    /// A header of each call to a method, where it has it.
    pub(crate) fn headers(&self, method: &str, name: &str) -> Vec<Option<String>> {
        let seen = self.0.seen.lock().unwrap();
        let value =
            |headers: &http::HeaderMap| Some(headers.get(name)?.to_str().unwrap().to_owned());
        seen.iter().filter(|(path, _)| path.ends_with(method)).map(|(_, h)| value(h)).collect()
    }

    /// Counts a call, and keeps it waiting where it is to hang.
    async fn begin(&self) -> Running {
        self.0.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(Arc::clone(&self.0));
        if self.0.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        running
    }

    async fn answer(
        self,
        request: http::Request<hyper::body::Incoming>,
    ) -> http::Response<tonic::body::Body> {
        let path = request.uri().path().to_owned();
        self.0.seen.lock().unwrap().push((path.clone(), request.headers().clone()));
        match path.as_str() {
            "/containerd.services.version.v1.Version/Version" => {
                if self.0.is_stopped.load(Ordering::SeqCst) {
                    std::future::pending::<()>().await;
                }
                Grpc::new(ProstCodec::<VersionAnswer, ()>::default()).unary(self, request).await
            }
            "/containerd.services.images.v1.Images/Get" => {
                let _running = self.begin().await;
                let codec = ProstCodec::<ImageAnswer, GetImage>::default();
                Grpc::new(codec).unary(self.clone(), request).await
            }
            "/containerd.services.containers.v1.Containers/Get" => {
                let _running = self.begin().await;
                let codec = ProstCodec::<ContainerAnswer, GetContainer>::default();
                Grpc::new(codec).unary(self.clone(), request).await
            }
            "/containerd.services.namespaces.v1.Namespaces/Get" => {
                let codec = ProstCodec::<NamespaceAnswer, GetNamespace>::default();
                Grpc::new(codec).unary(self.clone(), request).await
            }
            "/containerd.services.content.v1.Content/Read" => {
                Grpc::new(ProstCodec::default()).server_streaming(self, request).await
            }
            _ => Status::unimplemented("unknown service").into_http(),
        }
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct VersionAnswer {
    #[prost(string, tag = "1")]
    version: String,
}

impl UnaryService<()> for FakeContainerd {
    type Response = VersionAnswer;
    type Future = std::future::Ready<Result<Response<VersionAnswer>, Status>>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let version = self.0.release.lock().unwrap().clone();
        std::future::ready(Ok(Response::new(VersionAnswer { version })))
    }
}

impl UnaryService<GetImage> for FakeContainerd {
    type Response = ImageAnswer;
    type Future = std::future::Ready<Result<Response<ImageAnswer>, Status>>;

    fn call(&mut self, request: Request<GetImage>) -> Self::Future {
        let image = StoredImage { target: Some(self.0.target.clone()) };
        std::future::ready(match request.get_ref().name.as_str() {
            IMAGE => Ok(Response::new(ImageAnswer { image: Some(image) })),
            _ => Err(Status::not_found("no such image")),
        })
    }
}

impl UnaryService<GetContainer> for FakeContainerd {
    type Response = ContainerAnswer;
    type Future = std::future::Ready<Result<Response<ContainerAnswer>, Status>>;

    fn call(&mut self, request: Request<GetContainer>) -> Self::Future {
        let spec = prost_types::Any {
            type_url: "types.containerd.io/opencontainers/runtime-spec/1/Spec".to_owned(),
            value: format!(r#"{{"ociVersion":"1.2.0","process":{PROCESS}}}"#).into_bytes(),
        };
        let container = StoredContainer {
            spec: Some(spec),
            snapshotter: "overlayfs".to_owned(),
            snapshot_key: CONTAINER.to_owned(),
        };
        std::future::ready(match request.get_ref().id.as_str() {
            CONTAINER => Ok(Response::new(ContainerAnswer { container: Some(container) })),
            _ => Err(Status::not_found("no such container")),
        })
    }
}

impl UnaryService<GetNamespace> for FakeContainerd {
    type Response = NamespaceAnswer;
    type Future = std::future::Ready<Result<Response<NamespaceAnswer>, Status>>;

    fn call(&mut self, _: Request<GetNamespace>) -> Self::Future {
        let labels = self.0.labels.lock().unwrap().clone();
        let namespace = Some(StoredNamespace { labels });
        std::future::ready(Ok(Response::new(NamespaceAnswer { namespace })))
    }
}

impl ServerStreamingService<ReadContent> for FakeContainerd {
    type Response = Chunk;
    type ResponseStream = Pin<Box<dyn futures_util::Stream<Item = Result<Chunk, Status>> + Send>>;
    type Future = std::future::Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<ReadContent>) -> Self::Future {
        let chunk = match self.0.blobs.get(&request.get_ref().digest) {
            Some(data) => Ok(Chunk { offset: 0, data: data.clone() }),
            None => Err(Status::not_found("no such blob")),
        };
        let stream = Box::pin(futures_util::stream::iter([chunk]));
        std::future::ready(Ok(Response::new(stream)))
    }
}
