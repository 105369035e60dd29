//! Health on a port of its own.

use crate::listening::{Running, SOON, finished, lives, refused, serve, specd, unix};
use crate::support::certificates::{Authority, Secret};
use clap::Parser;
use specd::api::pb::specd::{GenerateRequest, SpecServiceClient};
use specd::commands::serve::BoundServer;
use specd::commands::{Cli, Command};
use specd::server::activation::Activation;
use specd::server::listen::ListenAddress;
use specd::server::shutdown::Shutdown;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint, Error};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

#[test]
fn health_is_answered_in_plaintext_where_all_else_needs_mutual_tls() {
    let authority = Authority::new("ours");
    let (issued, ca) = (authority.server(), authority.pem());
    let files = [("tls.crt", &*issued.cert), ("tls.key", &issued.key), ("ca.crt", &ca)];
    let secret = Secret::new(&files);
    let mut command = serve(&["tcp://127.0.0.1:0"]);
    command.args(["--tls-cert", &secret.text("tls.crt"), "--tls-key", &secret.text("tls.key")]);
    command.args(["--tls-client-ca", &secret.text("ca.crt")]);
    // Off loopback, as the kubelet needs it, without --insecure-tcp.
    command.args(["--health-listen", "tcp://0.0.0.0:0"]);
    let mut server = Running::start(&mut command);
    let addresses = [server.listens(), server.listens()];
    let (health, main): (Vec<_>, Vec<_>) =
        addresses.iter().partition(|address| address.contains("0.0.0.0"));
    lives(&health[0].replace("0.0.0.0", "127.0.0.1")).unwrap();
    lives(main[0]).unwrap_err();
    assert!(server.stop().success());
}

#[test]
fn the_health_port_serves_health_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = unix(&directory.path().join("specd.sock"));
    let mut command = serve(&[&path]);
    let mut server = Running::start(command.args(["--health-listen", "tcp://127.0.0.1:0"]));
    let addresses = [server.listens(), server.listens()];
    let health = addresses.iter().find(|address| address.starts_with("tcp://")).unwrap();
    lives(health).unwrap();
    let output = finished(specd().args(["generate", "app", "--server", health]));
    assert_eq!(output.status.code(), Some(1));
    let reflection = "grpc.reflection.v1.ServerReflection";
    let output = finished(specd().args(["health", "--server", health, "--service", reflection]));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("has no service"));
}

#[test]
fn a_health_address_that_is_none_or_in_use_is_named() {
    for address in ["unix:///run/specd/health.sock", "fd://", "0.0.0.0:1", ""] {
        let mut command = serve(&["tcp://127.0.0.1:0"]);
        let wanted = ["--health-listen", &format!("'{address}'"), "tcp://0.0.0.0:50052"];
        refused(command.args(["--health-listen", address]), 2, &wanted);
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", taken.local_addr().unwrap());
    let mut command = serve(&["tcp://127.0.0.1:0"]);
    refused(command.args(["--health-listen", &address]), 1, &[&address, "in use"]);
}

/// A call hangs in a containerd that takes connections and says nothing.
#[tokio::test]
async fn on_drain_the_health_port_says_not_serving_while_calls_end() {
    let directory = tempfile::tempdir().unwrap();
    let silent = directory.path().join("containerd.sock");
    let containerd = UnixListener::bind(&silent).unwrap();
    let cli = Cli::parse_from([
        "specd",
        "serve",
        "--listen=tcp://127.0.0.1:0",
        "--health-listen=tcp://127.0.0.1:0",
        "--drain-timeout=60s",
        &format!("--containerd={}", silent.display()),
    ]);
    let Command::Serve(args) = cli.command else { panic!("not serve") };
    let server = BoundServer::bind(*args, Activation::none()).await.unwrap();
    let addresses: Vec<ListenAddress> = server.addresses().cloned().collect();
    let [main, health] = addresses.iter().map(http).collect::<Vec<_>>().try_into().unwrap();
    let shutdown = Shutdown::new();
    let running = tokio::spawn(server.run_until(shutdown.clone()));

    let channel = connect(&main).await.unwrap();
    let mut client = SpecServiceClient::new(channel.clone());
    let request = GenerateRequest {
        image: "app".to_owned(),
        namespace: "default".to_owned(),
        id: "a".to_owned(),
        ..GenerateRequest::default()
    };
    let mut call = tokio::spawn(async move { client.generate(request).await });
    // The call is on its way before the check, on the same connection.
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut call).await.is_err());
    assert_eq!(liveness(&mut HealthClient::new(channel)).await, Some(ServingStatus::Serving));
    let mut prober = HealthClient::new(connect(&health).await.unwrap());
    assert_eq!(liveness(&mut prober).await, Some(ServingStatus::Serving));

    shutdown.request();
    tokio::time::timeout(SOON, async {
        // A new connection each time, as the kubelet makes one.
        while liveness(&mut HealthClient::new(connect(&health).await.unwrap())).await
            != Some(ServingStatus::NotServing)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
    assert!(!running.is_finished() && !call.is_finished(), "nothing was left to drain");

    drop(containerd);
    call.abort();
    tokio::time::timeout(SOON, running).await.unwrap().unwrap().unwrap();
    assert!(connect(&health).await.is_err(), "the health port is still open");
}

fn http(address: &ListenAddress) -> String {
    address.to_string().replace("tcp://", "http://")
}

async fn connect(address: &str) -> Result<Channel, Error> {
    Endpoint::from_shared(address.to_owned())?.connect().await
}

async fn liveness(client: &mut HealthClient<Channel>) -> Option<ServingStatus> {
    let request = HealthCheckRequest { service: "liveness".to_owned() };
    Some(client.check(request).await.ok()?.into_inner().status())
}

#[test]
fn idle_connections_do_not_keep_a_probe_from_the_health_port() {
    let directory = tempfile::tempdir().unwrap();
    let path = unix(&directory.path().join("specd.sock"));
    let mut command = serve(&[&path]);
    let mut server = Running::start(command.args(["--health-listen", "tcp://127.0.0.1:0"]));
    let addresses = [server.listens(), server.listens()];
    let health = addresses.iter().find(|address| address.starts_with("tcp://")).unwrap();
    let target = health.strip_prefix("tcp://").unwrap();
    let _idle: Vec<_> = (0..70)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(target).unwrap();
            stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
            stream
        })
        .collect();
    lives(health).unwrap();
}
