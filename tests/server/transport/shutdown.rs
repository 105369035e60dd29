//! The way out: in order, and within its bound whatever clients do.

use crate::support::own_process::is_alone;
use crate::support::serve_config::serve_config;
use crate::transport::{SOON, Server, Start, ask, connect, within};
use http::{Request, Response};
use rustix::process::{Signal, getpid, kill_process};
use specd::server::listen::ListenAddress;
use specd::server::serve::ServeConfig;
use specd::server::shutdown::Shutdown;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::codegen::BoxFuture;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Channel;
use tower::{Service, ServiceExt};

/// A service that counts running calls, and ends them when a test says so.
#[derive(Clone)]
struct Slow {
    running: Arc<AtomicUsize>,
    let_go: Arc<Semaphore>,
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl NamedService for Slow {
    const NAME: &'static str = "example.v1.Slow";
}

impl Service<Request<Body>> for Slow {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let slow = self.clone();
        Box::pin(async move {
            slow.running.fetch_add(1, Ordering::SeqCst);
            let _running = Running(Arc::clone(&slow.running));
            slow.let_go.acquire().await.unwrap().forget();
            Ok(tonic::Status::already_exists("it ended in its own time").into_http())
        })
    }
}

impl Slow {
    fn new() -> Self {
        Self { running: Arc::default(), let_go: Arc::new(Semaphore::new(0)) }
    }

    /// Starts a call and returns once the server runs it.
    async fn call(&self, channel: Channel) -> tokio::task::JoinHandle<Option<String>> {
        let before = self.running.load(Ordering::SeqCst);
        let request = Request::post("/example.v1.Slow/Wait").body(Body::empty()).unwrap();
        let call = tokio::spawn(async move {
            let response = channel.oneshot(request).await.ok()?;
            Some(response.headers().get("grpc-status")?.to_str().ok()?.to_owned())
        });
        within("the call to run", async {
            while self.running.load(Ordering::SeqCst) == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        call
    }
}

fn drain(timeout: Duration) -> ServeConfig {
    ServeConfig { drain_timeout: timeout, ..serve_config() }
}

/// A client that starts to speak and then neither answers nor hangs up.
async fn hanging_client(server: &Server) -> TcpStream {
    let ListenAddress::Tcp(address) = server.address() else { panic!("not TCP") };
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The preface and empty settings.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    stream.readable().await.unwrap();
    stream
}

#[tokio::test]
async fn an_open_watch_and_an_idle_client_do_not_hold_the_exit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.sock");
    let listen = vec![format!("unix://{}", path.display()), "tcp://127.0.0.1:0".to_owned()];
    let server = Start { listen, ..Default::default() }.run().await;
    let _idle = connect(&server.addresses[1]).await.unwrap();
    let mut client = server.client().await;
    let _watch = client.watch(ask("")).await.unwrap().into_inner();

    server.shutdown.request();
    let tcp = server.addresses[1].clone();
    server.ended().await.unwrap();
    assert!(!path.exists());
    assert!(connect(&tcp).await.is_err());
}

#[tokio::test]
async fn a_call_that_runs_may_end_while_nobody_new_is_let_in() {
    let slow = Slow::new();
    let server = Start { routes: Routes::new(slow.clone()), ..Default::default() }.run().await;
    let call = slow.call(connect(server.address()).await.unwrap()).await;

    server.shutdown.request();
    within("the sockets to close", async {
        while connect(server.address()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(!server.running.is_finished());
    slow.let_go.add_permits(1);
    let status = within("the call", call).await.unwrap();
    assert_eq!(status.as_deref(), Some("6"));
    server.ended().await.unwrap();
}

#[tokio::test]
async fn what_does_not_end_is_cut_at_the_drain_timeout() {
    let timeout = Duration::from_millis(300);
    let slow = Slow::new();
    let start =
        Start { routes: Routes::new(slow.clone()), config: drain(timeout), ..Default::default() };
    let server = start.run().await;
    let call = slow.call(connect(server.address()).await.unwrap()).await;
    let _hanging = hanging_client(&server).await;

    let asked = Instant::now();
    server.shutdown.request();
    server.ended().await.unwrap();
    assert!(asked.elapsed() >= timeout, "{:?}", asked.elapsed());
    assert_eq!(slow.running.load(Ordering::SeqCst), 0, "the handler still runs");
    assert_eq!(within("the call", call).await.unwrap(), None);
}

#[tokio::test]
async fn a_client_that_never_speaks_does_not_hold_the_exit() {
    let start = Start { config: drain(Duration::from_millis(300)), ..Default::default() };
    let server = start.run().await;
    let ListenAddress::Tcp(address) = server.address() else { panic!("not TCP") };
    let _silent = TcpStream::connect(address).await.unwrap();
    // The server has accepted the silent one by the time that it answers the next.
    connect(server.address()).await.unwrap();
    server.shutdown.request();
    server.ended().await.unwrap();
}

#[tokio::test]
async fn a_second_wish_ends_at_once() {
    let slow = Slow::new();
    let start = Start {
        routes: Routes::new(slow.clone()),
        config: drain(SOON * 100),
        ..Default::default()
    };
    let server = start.run().await;
    let _call = slow.call(connect(server.address()).await.unwrap()).await;

    server.shutdown.request();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!server.running.is_finished());
    server.shutdown.request();
    server.ended().await.unwrap();
    assert_eq!(slow.running.load(Ordering::SeqCst), 0, "the handler still runs");
}

#[tokio::test]
async fn a_client_that_goes_away_stops_its_call() {
    let slow = Slow::new();
    let server = Start { routes: Routes::new(slow.clone()), ..Default::default() }.run().await;
    let call = slow.call(connect(server.address()).await.unwrap()).await;
    call.abort();
    within("the handler to stop", async {
        while slow.running.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The signals go to the whole process, which the test has to itself.
#[tokio::test]
async fn signals_stop_gently_and_then_at_once() {
    if !is_alone(module_path!(), "signals_stop_gently_and_then_at_once") {
        return;
    }
    let send = |signal| kill_process(getpid(), signal).unwrap();
    let shutdown = Shutdown::on_signals().unwrap();
    let slow = Slow::new();
    let start = Start {
        routes: Routes::new(slow.clone()),
        config: drain(SOON * 100),
        shutdown: shutdown.clone(),
        ..Default::default()
    };
    let server = start.run().await;
    let _call = slow.call(connect(server.address()).await.unwrap()).await;

    send(Signal::TERM);
    within("the first signal", shutdown.requested()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!server.running.is_finished());
    send(Signal::INT);
    within("the second signal", shutdown.forced()).await;
    server.ended().await.unwrap();
}
