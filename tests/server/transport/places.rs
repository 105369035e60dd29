//! Places of connections: for each listener, for each peer, and for connections without calls.

use crate::support::serve_config::serve_config;
use crate::transport::load::{PREFACE, reads_to_the_end};
use crate::transport::{Server, Start, ask, check, within};
use specd::server::lifetime::Lifetime;
use specd::server::listen::ListenAddress;
use specd::server::serve::ServeConfig;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// A connection from an address of the loopback interface that has started HTTP/2, or nothing if it is refused.
async fn begun(server: &Server, from: &str) -> Option<TcpStream> {
    let ListenAddress::Tcp(address) = server.address() else { panic!("not TCP") };
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = within("a connection", socket.connect(*address)).await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    let mut head = [0; 9];
    let read = within("SETTINGS or the end", stream.read_exact(&mut head)).await;
    read.is_ok().then_some(stream)
}

#[tokio::test]
async fn idle_connections_of_one_peer_do_not_lock_out_others() {
    let config = ServeConfig { connections: 6, peer_connections: 4, ..serve_config() };
    let server = Start { config, ..Default::default() }.run().await;
    let mut held = vec![];
    for number in 0..6 {
        let connection = begun(&server, "127.0.0.2").await;
        assert_eq!(connection.is_some(), number < 4, "{number}");
        held.extend(connection);
    }
    let mut client = server.client().await;
    assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving);
}

#[tokio::test]
async fn each_listener_has_its_own_places() {
    let directory = tempfile::tempdir().unwrap();
    let listen = vec![
        "tcp://127.0.0.1:0".to_owned(),
        format!("unix://{}/specd.sock", directory.path().display()),
    ];
    let config = ServeConfig { connections: 2, ..serve_config() };
    let server = Start { listen, config, ..Default::default() }.run().await;
    let _held =
        [begun(&server, "127.0.0.1").await.unwrap(), begun(&server, "127.0.0.1").await.unwrap()];
    assert!(begun(&server, "127.0.0.1").await.is_none());
    let channel = crate::transport::connect(&server.addresses[1]).await.unwrap();
    assert_eq!(check(&mut HealthClient::new(channel), "liveness").await, ServingStatus::Serving);
}

#[tokio::test]
async fn a_connection_without_calls_is_closed_and_one_with_a_call_is_not() {
    let idle = Some(Duration::from_millis(300));
    let drain_timeout = Duration::from_millis(300);
    let lifetime = Lifetime { idle, drain_timeout, ..serve_config().lifetime };
    let config = ServeConfig { lifetime, ..serve_config() };
    let server = Start { config, ..Default::default() }.run().await;
    let mut watch = server.client().await.watch(ask("liveness")).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    reads_to_the_end(begun(&server, "127.0.0.1").await.unwrap()).await;
    let more = tokio::time::timeout(Duration::from_secs(1), watch.message()).await;
    assert!(more.is_err(), "the Watch has ended: {more:?}");
}
