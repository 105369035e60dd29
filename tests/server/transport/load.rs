//! The limits of calls and of a connection's life, met by clients that do as they please.

use crate::support::serve_config::serve_config;
use crate::transport::{SOON, Server, Start, ask, check, connect, within};
use http::{Request, Response};
use specd::server::call_limits::CallLimits;
use specd::server::lifetime::Lifetime;
use specd::server::listen::ListenAddress;
use specd::server::serve::ServeConfig;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::{Service, ServiceExt};

/// A service with calls that wait at a gate.
#[derive(Clone)]
pub(crate) struct Gated {
    gate: Arc<Semaphore>,
    begun: Arc<AtomicUsize>,
    /// An answer without a status; otherwise it is `OK` and nothing else.
    answer: Option<String>,
}

impl NamedService for Gated {
    const NAME: &'static str = "example.v1.Gated";
}

impl Service<Request<Body>> for Gated {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let Self { gate, begun, answer } = self.clone();
        Box::pin(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            Ok(match answer {
                Some(text) => Response::new(Body::new(text)),
                None => Status::ok("").into_http(),
            })
        })
    }
}

impl Gated {
    pub(crate) fn new() -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), begun: Arc::default(), answer: None }
    }

    pub(crate) fn answering(text: String) -> Self {
        Self { answer: Some(text), ..Self::new() }
    }

    /// Lets all calls pass.
    pub(crate) fn open(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    pub(crate) fn begun_calls(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    async fn begun(&self, count: usize) {
        within("calls to begin", async {
            while self.begun.load(Ordering::SeqCst) < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

pub(crate) async fn call(server: &Server) -> Code {
    let channel = connect(server.address()).await.unwrap();
    let request = Request::post("/example.v1.Gated/Wait").body(Body::empty()).unwrap();
    let answer = channel.oneshot(request).await.unwrap();
    Code::from_bytes(answer.headers()["grpc-status"].as_bytes())
}

async fn full(gated: &Gated, in_flight: usize) -> Server {
    let calls = CallLimits { in_flight, ..serve_config().calls };
    let config = ServeConfig { calls, ..serve_config() };
    Start { config, routes: Routes::new(gated.clone()), ..Default::default() }.run().await
}

#[tokio::test]
async fn calls_over_those_in_flight_are_shed_at_once_and_health_is_not() {
    let gated = Gated::new();
    let server = Arc::new(full(&gated, 2).await);
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move { call(&server).await })
        })
        .collect();
    gated.begun(2).await;

    let started = Instant::now();
    assert_eq!(within("a refusal", call(&server)).await, Code::ResourceExhausted);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let mut health = server.client().await;
    assert_eq!(check(&mut health, "liveness").await, ServingStatus::Serving);
    assert_eq!(gated.begun.load(Ordering::SeqCst), 2);

    gated.gate.add_permits(3);
    for call in waiting {
        assert_eq!(within("an answer", call).await.unwrap(), Code::Ok);
    }
    // Each place is free again.
    assert_eq!(within("an answer", call(&server)).await, Code::Ok);
}

#[tokio::test]
async fn a_call_that_is_dropped_gives_its_place_back() {
    let gated = Gated::new();
    let server = full(&gated, 1).await;
    let dropped = tokio::time::timeout(Duration::from_millis(200), call(&server)).await;
    assert!(dropped.is_err());
    gated.begun(1).await;
    gated.gate.add_permits(100);
    within("a free place", async {
        while call(&server).await != Code::Ok {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

async fn raw(server: &Server) -> TcpStream {
    let ListenAddress::Tcp(address) = server.address() else { panic!("not TCP") };
    TcpStream::connect(address).await.unwrap()
}

pub(crate) async fn reads_to_the_end(mut client: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = async {
        // A reset is an end too.
        let _ = client.read_to_end(&mut bytes).await;
    };
    within("the server to hang up", read).await;
    bytes
}

#[tokio::test]
async fn a_client_that_never_begins_does_not_keep_its_place() {
    let handshake_timeout = Duration::from_millis(300);
    let lifetime = Lifetime { handshake_timeout, ..serve_config().lifetime };
    let config = ServeConfig { connections: 2, lifetime, ..serve_config() };
    let server = Start { config, ..Default::default() }.run().await;
    let silent = raw(&server).await;
    let mut slow = raw(&server).await;
    slow.write_all(b"PRI * HT").await.unwrap();
    reads_to_the_end(silent).await;
    reads_to_the_end(slow).await;
    let mut client = server.client().await;
    assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving);
    // One that has begun stays, however silent it is.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let _second = raw(&server).await;
    assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving);
}

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The kinds of the frames in what a server has sent.
fn frames(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = vec![];
    while bytes.len() >= 9 {
        let length =
            usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
        kinds.push(bytes[3]);
        bytes = bytes.get(9 + length..).unwrap_or_default();
    }
    kinds
}

const GOAWAY: u8 = 7;

#[tokio::test]
async fn streams_and_header_list_are_advertised() {
    let server = Start::default().run().await;
    let mut client = raw(&server).await;
    client.write_all(PREFACE).await.unwrap();
    let mut head = [0; 9];
    within("SETTINGS", client.read_exact(&mut head)).await.unwrap();
    assert_eq!(head[3], 4, "the first frame is not SETTINGS");
    let mut payload = vec![0; usize::from(head[2])];
    within("SETTINGS", client.read_exact(&mut payload)).await.unwrap();
    let settings: Vec<(u16, u32)> = payload
        .chunks_exact(6)
        .map(|one| {
            let value = u32::from_be_bytes([one[2], one[3], one[4], one[5]]);
            (u16::from_be_bytes([one[0], one[1]]), value)
        })
        .collect();
    assert!(settings.contains(&(3, 128)), "{settings:?}");
    assert!(settings.contains(&(6, 16 << 10)), "{settings:?}");
}

#[tokio::test]
async fn an_old_connection_gets_goaway_and_its_calls_continue() {
    let gated = Gated::new();
    let lifetime = Lifetime {
        age: Some(Duration::from_millis(500)),
        drain_timeout: SOON,
        ..serve_config().lifetime
    };
    let config = ServeConfig { lifetime, ..serve_config() };
    let routes = Routes::new(gated.clone());
    let server = Arc::new(Start { config, routes, ..Default::default() }.run().await);
    let waiting = tokio::spawn({
        let server = Arc::clone(&server);
        async move { call(&server).await }
    });
    gated.begun(1).await;
    let mut idle = raw(&server).await;
    idle.write_all(PREFACE).await.unwrap();
    let mut bytes = Vec::new();
    within("GOAWAY", async {
        while !frames(&bytes).contains(&GOAWAY) {
            assert!(idle.read_buf(&mut bytes).await.unwrap() > 0, "{bytes:?}");
        }
    })
    .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    gated.gate.add_permits(1);
    assert_eq!(within("an answer", waiting).await.unwrap(), Code::Ok);
}

#[tokio::test]
async fn calls_on_a_connection_of_age_are_cut_after_the_drain_timeout() {
    let lifetime = Lifetime {
        age: Some(Duration::from_millis(200)),
        drain_timeout: Duration::from_millis(200),
        ..serve_config().lifetime
    };
    let config = ServeConfig { lifetime, ..serve_config() };
    let server = Start { config, ..Default::default() }.run().await;
    let mut watch = server.client().await.watch(ask("liveness")).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    assert!(within("the cut", watch.message()).await.is_err());
}

/// HEADERS of a health check on a stream, and its reset.
fn opened_and_reset(stream: u32) -> Vec<u8> {
    let mut block = vec![0x83, 0x86]; // :method POST, :scheme http
    for (name, value) in [
        (&b"\x04"[..], "/grpc.health.v1.Health/Watch"), // :path
        (b"\x01", "localhost"),                         // :authority
        (b"\x0f\x10", "application/grpc"),              // content-type
        (b"\0\x02te", "trailers"),
    ] {
        block.extend_from_slice(name);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
    }
    let mut bytes = vec![0, 0, u8::try_from(block.len()).unwrap(), 1, 4];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(&block);
    bytes.extend_from_slice(&[0, 0, 4, 3, 0]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(&8u32.to_be_bytes());
    bytes
}

#[tokio::test]
async fn a_flood_of_resets_ends_its_connection_and_no_other() {
    let server = Start::default().run().await;
    let mut other = server.client().await;
    assert_eq!(check(&mut other, "liveness").await, ServingStatus::Serving);
    let mut flood = raw(&server).await;
    let mut bytes = PREFACE.to_vec();
    for stream in 0..2000u32 {
        bytes.extend_from_slice(&opened_and_reset(stream * 2 + 1));
    }
    let (read, mut write) = flood.split();
    let mut read = read;
    let mut answer = Vec::new();
    let flooding = async {
        tokio::join!(
            async {
                // The server may hang up in the middle of it.
                let _ = write.write_all(&bytes).await;
            },
            async {
                let _ = read.read_to_end(&mut answer).await;
            }
        )
    };
    within("the server to hang up", flooding).await;
    assert!(frames(&answer).contains(&GOAWAY), "{:?}", frames(&answer));
    assert_eq!(check(&mut other, "liveness").await, ServingStatus::Serving);
    let mut new = HealthClient::new(connect(server.address()).await.unwrap());
    assert_eq!(check(&mut new, "liveness").await, ServingStatus::Serving);
}

/// A service with calls that go to the end of the runtime's queue a few times, and count how many of them there are.
#[derive(Clone, Default)]
struct Computing {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl NamedService for Computing {
    const NAME: &'static str = "example.v1.Gated";
}

impl Service<Request<Body>> for Computing {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let Self { now, most } = self.clone();
        Box::pin(async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(Status::ok("").into_http())
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_calls_few_are_worked_on_at_a_time_and_the_rest_waits_or_is_refused() {
    let calls = CallLimits { at_work: 4, ..serve_config().calls };
    let config = ServeConfig { calls, ..serve_config() };
    let computing = Computing::default();
    let routes = Routes::new(computing.clone());
    let server = Start { config, routes, ..Default::default() }.run().await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let channel = connect(server.address()).await.unwrap();
        for _ in 0..20 {
            let channel = channel.clone();
            callers.spawn(async move {
                let mut codes = Vec::new();
                for _ in 0..5 {
                    let request =
                        Request::post("/example.v1.Gated/Wait").body(Body::empty()).unwrap();
                    let answer = channel.clone().oneshot(request).await.unwrap();
                    codes.push(Code::from_bytes(answer.headers()["grpc-status"].as_bytes()));
                }
                codes
            });
        }
    }
    let codes: Vec<Code> = callers.join_all().await.concat();
    let (ok, refused): (Vec<Code>, Vec<Code>) = codes.iter().partition(|code| **code == Code::Ok);
    assert!(refused.iter().all(|code| *code == Code::ResourceExhausted), "{refused:?}");
    assert_eq!(codes.len(), 500);
    // 100 at a time would be all of them. More than 4 are those that took longer than a turn, on a busy machine.
    let most = computing.most.load(Ordering::SeqCst);
    assert!(most <= 60 && ok.len() >= 20, "{most} at a time, {} answered", ok.len());
}

#[tokio::test]
async fn a_call_that_waits_for_something_else_gives_its_turn_to_another() {
    let gated = Gated::new();
    let calls = CallLimits { at_work: 1, ..serve_config().calls };
    let config = ServeConfig { calls, ..serve_config() };
    let routes = Routes::new(gated.clone());
    let server = Arc::new(Start { config, routes, ..Default::default() }.run().await);
    let mut waiting = Vec::new();
    for count in 1..=5 {
        let server = Arc::clone(&server);
        // On a busy machine the turn may come too late.
        waiting.push(tokio::spawn(async move {
            let mut code = call(&server).await;
            while code == Code::ResourceExhausted {
                code = call(&server).await;
            }
            code
        }));
        gated.begun(count).await;
    }
    gated.gate.add_permits(5);
    for call in waiting {
        assert_eq!(within("an answer", call).await.unwrap(), Code::Ok);
    }
}
