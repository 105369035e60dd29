//! containerd's side of the three calls, played from a script over a real socket.

use super::*;
use crate::api::pb::containerd::{self as pb, GetImageRequest, ReadContentRequest};
use crate::image::ImageError;
use crate::image::blob;
use crate::image::digest::Digest;
use futures_util::{StreamExt, stream};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use tokio::io::AsyncReadExt;
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tonic::server::{Grpc, ServerStreamingService, UnaryService};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, prost::Message)]
struct ImageAnswer {
    #[prost(message, optional, tag = "1")]
    image: Option<StoredImage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StoredImage {
    #[prost(message, optional, tag = "3")]
    target: Option<pb::Descriptor>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Chunk {
    #[prost(int64, tag = "1")]
    offset: i64,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

fn chunk(offset: i64, data: impl Into<Vec<u8>>) -> Result<Chunk, Status> {
    Ok(Chunk { offset, data: data.into() })
}

/// What the fake answers.
#[derive(Clone, Default)]
struct Script {
    /// The one image that it has, by its stored name.
    image: Option<(String, ImageAnswer)>,
    /// The chunks of every blob; an error where there is no answer at all.
    chunks: Vec<Result<Chunk, Status>>,
    /// Whether a call stays open after what it has to say.
    hangs: bool,
    /// The namespaces and the images that it lists; absent if it does not list them.
    listed: Option<(Vec<String>, Vec<String>)>,
    /// The names that were asked for, with the namespaces.
    asked: Arc<Mutex<Vec<(String, String)>>>,
    /// Gets a message when a call begins and when it is over.
    calls: Option<mpsc::UnboundedSender<&'static str>>,
}

/// Tells that a call is over when it is dropped.
struct Open(Option<mpsc::UnboundedSender<&'static str>>);

impl Open {
    fn new(calls: Option<mpsc::UnboundedSender<&'static str>>) -> Self {
        if let Some(calls) = &calls {
            let _ = calls.send("begun");
        }
        Self(calls)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(calls) = &self.0 {
            let _ = calls.send("over");
        }
    }
}

type Answering<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;

impl UnaryService<GetImageRequest> for Script {
    type Response = ImageAnswer;
    type Future = Answering<ImageAnswer>;

    fn call(&mut self, request: Request<GetImageRequest>) -> Self::Future {
        let script = self.clone();
        Box::pin(async move {
            let _open = Open::new(script.calls.clone());
            if script.hangs {
                std::future::pending::<()>().await;
            }
            let namespace = request.metadata().get("containerd-namespace").unwrap();
            let namespace = namespace.to_str().unwrap().to_owned();
            let name = request.into_inner().name;
            script.asked.lock().unwrap().push((namespace, name.clone()));
            match script.image {
                Some((stored, image)) if stored == name => Ok(Response::new(image)),
                _ => Err(Status::not_found("image not found")),
            }
        })
    }
}

/// A list of what has a name in its first field, as namespaces and images have.
#[derive(Clone, PartialEq, prost::Message)]
struct NamesAnswer {
    #[prost(message, repeated, tag = "1")]
    list: Vec<Named>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

/// Answers with these names; without names the call is not implemented.
struct Names(Option<Vec<String>>);

impl UnaryService<()> for Names {
    type Response = NamesAnswer;
    type Future = Answering<NamesAnswer>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let list =
            self.0.take().map(|names| names.into_iter().map(|name| Named { name }).collect());
        let unknown = || Status::unimplemented("unknown service");
        let answer = list.map(|list| Response::new(NamesAnswer { list })).ok_or_else(unknown);
        Box::pin(std::future::ready(answer))
    }
}

impl ServerStreamingService<ReadContentRequest> for Script {
    type Response = Chunk;
    type ResponseStream = Pin<Box<dyn stream::Stream<Item = Result<Chunk, Status>> + Send>>;
    type Future = Answering<Self::ResponseStream>;

    fn call(&mut self, _: Request<ReadContentRequest>) -> Self::Future {
        let (chunks, hangs) = (self.chunks.clone(), self.hangs);
        let open = Open::new(self.calls.clone());
        let end = stream::once(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            drop(open);
        });
        let stream = stream::iter(chunks).chain(end.filter_map(|()| std::future::ready(None)));
        Box::pin(std::future::ready(Ok(Response::new(Box::pin(stream) as Self::ResponseStream))))
    }
}

impl Script {
    /// Serves on a socket of its own for as long as the directory is kept.
    fn serve(self) -> (tempfile::TempDir, Containerd) {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("containerd.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = self.clone();
                let service = hyper::service::service_fn(move |request| {
                    let script = script.clone();
                    async move { Ok::<_, Infallible>(script.answer(request).await) }
                });
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
            }
        });
        (directory, Containerd::new(socket))
    }

    async fn answer(
        self,
        request: http::Request<hyper::body::Incoming>,
    ) -> http::Response<tonic::body::Body> {
        match request.uri().path() {
            "/containerd.services.images.v1.Images/Get" => {
                Grpc::new(ProstCodec::default()).unary(self, request).await
            }
            "/containerd.services.content.v1.Content/Read" => {
                Grpc::new(ProstCodec::default()).server_streaming(self, request).await
            }
            "/containerd.services.namespaces.v1.Namespaces/List" => {
                let names = self.listed.map(|(namespaces, _)| namespaces);
                Grpc::new(ProstCodec::default()).unary(Names(names), request).await
            }
            "/containerd.services.images.v1.Images/List" => {
                let names = self.listed.map(|(_, images)| images);
                Grpc::new(ProstCodec::default()).unary(Names(names), request).await
            }
            _ => Status::unimplemented("unknown service").into_http(),
        }
    }
}

fn namespace() -> Namespace {
    Namespace::parse("functions").unwrap()
}

fn name(text: &str) -> ImageName {
    ImageName::parse(text).unwrap()
}

fn target(digest: &str, size: i64) -> ImageAnswer {
    let media_type = "application/vnd.oci.image.index.v1+json".to_owned();
    let target =
        pb::Descriptor { media_type, digest: digest.to_owned(), size, ..Default::default() };
    ImageAnswer { image: Some(StoredImage { target: Some(target) }) }
}

fn some_blob() -> Descriptor {
    Descriptor {
        media_type: "application/octet-stream".to_owned(),
        digest: Digest::parse(&format!("sha256:{}", "a".repeat(64))).unwrap(),
        size: 10,
        data: None,
        platform: None,
    }
}

async fn read(source: &Containerd) -> Result<Vec<u8>, ImageError> {
    let mut stream = source.open(&namespace(), &some_blob(), Deadline::NONE).await?;
    let mut whole = Vec::new();
    stream.read_to_end(&mut whole).await.map_err(blob::broken_off)?;
    Ok(whole)
}

fn invalid(result: Result<impl std::fmt::Debug, impl Into<ImageError>>) -> String {
    match result.map_err(Into::into) {
        Err(ImageError::Store(StoreError::Invalid(text))) => text,
        other => panic!("{other:?}"),
    }
}

fn unavailable(result: Result<impl std::fmt::Debug, impl Into<ImageError>>) -> String {
    match result.map_err(Into::into) {
        Err(ImageError::Store(StoreError::Unavailable(text))) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_candidate_is_asked_for_in_order_and_in_the_namespace() {
    let digest = format!("sha256:{}", "b".repeat(64));
    let stored = "docker.io/library/nginx:latest";
    let image = Some((stored.to_owned(), target(&digest, 7)));
    let script = Script { image, ..Script::default() };
    let asked = Arc::clone(&script.asked);
    let (_directory, source) = script.serve();

    let found = source.resolve(&namespace(), &name("nginx"), Deadline::NONE).await.unwrap();
    assert_eq!((found.name.as_str(), found.target.size), (stored, 7));
    assert_eq!(found.target.digest.as_str(), digest);
    assert_eq!(found.target.media_type, "application/vnd.oci.image.index.v1+json");
    let in_namespace = |name: &str| ("functions".to_owned(), name.to_owned());
    assert_eq!(*asked.lock().unwrap(), [in_namespace("nginx"), in_namespace(stored)]);

    let absent = source.resolve(&namespace(), &name("redis"), Deadline::NONE).await.unwrap_err();
    let tried = vec!["redis".to_owned(), "docker.io/library/redis:latest".to_owned()];
    // This containerd lists neither namespaces nor images.
    assert_eq!(absent, StoreError::ImageNotFound { tried, hint: String::new() });
}

#[tokio::test]
async fn an_image_that_is_not_found_is_named_with_what_exists() {
    let hint = async |namespaces: &[&str], images: &[&str], wanted: &str| {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let listed = Some((owned(namespaces), owned(images)));
        let (_directory, source) = Script { listed, ..Script::default() }.serve();
        let answer = source.resolve(&namespace(), &name(wanted), Deadline::NONE).await;
        let Err(StoreError::ImageNotFound { hint, .. }) = answer else { panic!("{answer:?}") };
        hint
    };
    let images = ["docker.io/library/nginx:1.27", "docker.io/me/app:1", "quay.io/x/nginx:2"];
    assert_eq!(
        hint(&["default", "functions"], &images, "ngnix").await,
        "; namespace functions has quay.io/x/nginx:2, docker.io/library/nginx:1.27"
    );
    assert_eq!(
        hint(&["functions"], &images, "redis").await,
        "; namespace functions exists and has no image of a similar name"
    );
    assert_eq!(
        hint(&["functions"], &[], "redis").await,
        "; namespace functions exists and has no images"
    );
    assert_eq!(
        hint(&["default", "k8s.io"], &[], "redis").await,
        "; namespace functions does not exist, containerd has default, k8s.io"
    );
    let many: Vec<String> = (0..9).map(|number| format!("a/nginx:{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(hint(&["functions"], &many, "nginx").await.matches("a/nginx").count(), 5);
}

#[tokio::test]
async fn a_target_that_cannot_be_is_refused() {
    let digest = format!("sha256:{}", "b".repeat(64));
    for (image, what) in [
        (ImageAnswer { image: None }, "image x without a target"),
        (ImageAnswer { image: Some(StoredImage { target: None }) }, "image x without a target"),
        (target("sha256:../../x", 7), "is not a digest"),
        (target(&digest, -1), "with a size of -1"),
    ] {
        let script = Script { image: Some(("x".to_owned(), image)), ..Script::default() };
        let (_directory, source) = script.serve();
        let text = invalid(source.resolve(&namespace(), &name("x"), Deadline::NONE).await);
        assert!(text.contains(what), "{text}");
    }
}

#[tokio::test]
async fn a_blob_is_all_of_its_chunks() {
    let chunks = vec![chunk(0, "abc"), chunk(3, ""), chunk(3, "defg"), chunk(7, "hij")];
    let (_directory, source) = Script { chunks, ..Script::default() }.serve();
    assert_eq!(read(&source).await.unwrap(), b"abcdefghij");

    let (_directory, source) = Script::default().serve();
    assert_eq!(read(&source).await.unwrap(), b"");

    let large = vec![7; 15 << 20];
    let chunks = vec![chunk(0, large.clone())];
    let (_directory, source) = Script { chunks, ..Script::default() }.serve();
    assert!(read(&source).await.unwrap() == large);

    let chunks = vec![chunk(0, vec![7; 17 << 20])];
    let (_directory, source) = Script { chunks, ..Script::default() }.serve();
    invalid(read(&source).await);
}

#[tokio::test]
async fn chunks_that_do_not_join_are_refused() {
    for (chunks, what) in [
        (vec![chunk(1, "abc")], "with offset 1 where 0 was due"),
        (vec![chunk(-1, "abc")], "with offset -1 where 0 was due"),
        (vec![chunk(0, "abc"), chunk(4, "def")], "with offset 4 where 3 was due"),
        (vec![chunk(0, "abc"), chunk(2, "def")], "with offset 2 where 3 was due"),
    ] {
        let (_directory, source) = Script { chunks, ..Script::default() }.serve();
        let text = invalid(read(&source).await);
        assert!(text.contains(what), "{text}");
    }
}

#[tokio::test]
async fn a_blob_that_is_absent_is_told_from_a_stream_that_breaks() {
    let chunks = vec![Err(Status::not_found("content not found"))];
    let (_directory, source) = Script { chunks, ..Script::default() }.serve();
    let absent = StoreError::BlobAbsent { digest: some_blob().digest };
    assert_eq!(read(&source).await, Err(ImageError::Store(absent)));

    let chunks = vec![chunk(0, "abc"), Err(Status::unavailable("going away"))];
    let (_directory, source) = Script { chunks, ..Script::default() }.serve();
    let text = unavailable(read(&source).await);
    assert!(text.ends_with("containerd.sock: Content.Read: going away"), "{text}");
}

#[tokio::test]
async fn one_who_says_nothing_is_unavailable() {
    let short = Duration::from_millis(50);
    let script = Script { hangs: true, chunks: vec![chunk(0, "abc")], ..Script::default() };
    let (_directory, source) = script.serve();
    let source = source.with_bounds(short, short);
    let text = unavailable(source.resolve(&namespace(), &name("x"), Deadline::NONE).await);
    assert!(text.ends_with("Images.Get: no answer within 50ms"), "{text}");
    let text = unavailable(read(&source).await);
    assert!(text.ends_with("Content.Read: no answer within 50ms"), "{text}");

    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("deaf.sock");
    let _deaf = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let source = Containerd::new(socket).with_bounds(short, short);
    let text = unavailable(source.ping().await);
    assert!(text.ends_with("Version.Version: no answer within 50ms"), "{text}");
}

#[tokio::test]
async fn a_connection_without_answers_is_replaced() {
    let (_directory, answering) = Script::default().serve();
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("silent_once.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        let _silent = listener.accept().await.unwrap();
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = tokio::net::UnixStream::connect(&answering.socket).await.unwrap();
            tokio::spawn(
                async move { tokio::io::copy_bidirectional(&mut client, &mut server).await },
            );
        }
    });
    let (silence, known) = watch::channel(false);
    let within = Duration::from_millis(500);
    let source = Containerd::new(socket).with_bounds(within, within).ending_in(known);
    for _ in 0..2 {
        assert!(unavailable(source.ping().await).ends_with("no answer within 500ms"));
    }
    silence.send_replace(true);
    let answered = async { while !matches!(source.ping().await, Err(StoreError::Invalid(_))) {} };
    tokio::time::timeout(Duration::from_secs(20), answered).await.unwrap();
}

#[tokio::test]
async fn dropping_ends_the_call_at_the_other_end() {
    let (calls, mut calls_seen) = mpsc::unbounded_channel();
    let script = Script {
        hangs: true,
        chunks: vec![chunk(0, "abc")],
        calls: Some(calls),
        ..Script::default()
    };
    let (_directory, source) = script.serve();

    let asking = tokio::spawn({
        let source = source.clone();
        async move { source.resolve(&namespace(), &name("x"), Deadline::NONE).await }
    });
    assert_eq!(calls_seen.recv().await, Some("begun"));
    asking.abort();
    let over = tokio::time::timeout(Duration::from_secs(5), calls_seen.recv()).await;
    assert_eq!(over, Ok(Some("over")));

    let stream = source.open(&namespace(), &some_blob(), Deadline::NONE).await.unwrap();
    assert_eq!(calls_seen.recv().await, Some("begun"));
    drop(stream);
    let over = tokio::time::timeout(Duration::from_secs(5), calls_seen.recv()).await;
    assert_eq!(over, Ok(Some("over")));
}

#[tokio::test]
async fn a_server_of_something_else_is_no_containerd() {
    let (_directory, source) = Script::default().serve();
    let text = invalid(source.ping().await);
    assert!(text.contains("not a containerd"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_with_the_socket_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("file"), "").unwrap();
    drop(std::os::unix::net::UnixListener::bind(at("left")).unwrap());
    let absent = "no such file: start containerd, or name its socket with --containerd";
    for (file, reason) in [
        ("absent", absent),
        ("absent/absent", absent),
        ("file", "not a socket"),
        ("left", "connection refused"),
    ] {
        let source = Containerd::new(at(file));
        let text = unavailable(source.ping().await);
        assert_eq!(text, format!("{}: {reason}", at(file).display()));
        let again = unavailable(source.resolve(&namespace(), &name("x"), Deadline::NONE).await);
        assert_eq!(again, text, "the reason does not wear out");
    }
    let long = at(&"a".repeat(120));
    let text = unavailable(Containerd::new(&long).ping().await);
    assert!(text.starts_with(&format!("{}: ", long.display())), "{text}");

    let denied = io::Error::from(io::ErrorKind::PermissionDenied);
    let denied = channel::reason(&at("left"), &denied).await;
    assert!(denied.starts_with("permission denied: run specd as root"), "{denied}");
}

#[test]
fn every_code_has_a_meaning_and_none_goes_through() {
    let socket = Path::new("/s").into();
    let call = status::Call {
        socket,
        method: "M",
        within: ANSWER_WITHIN,
        deadline: Deadline::NONE,
        silence: None,
    };
    for code in (0..=16).map(Code::from_i32) {
        let failure = call.failure(&Status::new(code, "a\nb"));
        let unavailable = status::Failure::Store(StoreError::Unavailable("/s: M: a b".to_owned()));
        let invalid = status::Failure::Store(StoreError::Invalid("/s: M: a b".to_owned()));
        match code as i32 {
            5 => assert_eq!(failure, status::Failure::Absent),
            1 | 4 | 8 | 10 | 14 => assert_eq!(failure, unavailable, "{code:?}"),
            12 => {
                let text = "/s: M: not a containerd: a b".to_owned();
                assert_eq!(failure, status::Failure::Store(StoreError::Invalid(text)));
            }
            _ => assert_eq!(failure, invalid, "{code:?}"),
        }
    }
}
