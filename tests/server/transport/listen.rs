//! Addresses and sockets.

use crate::transport::{Server, Start, ask, bind, check, connect, within};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use specd::server::listen::{BindError, BindOptions, ListenAddress, Listener, SocketMode};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

fn unix(path: &Path) -> String {
    format!("unix://{}", path.display())
}

fn room() -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.sock");
    (directory, path)
}

#[test]
fn addresses_are_printed_as_they_are_written() {
    for text in [
        "tcp://127.0.0.1:50051",
        "tcp://[::1]:0",
        "tcp://10.0.0.1:1",
        "unix:///run/specd/specd.sock",
        "unix:///s",
    ] {
        assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
    }
    let short = "unix:/run/specd.sock".parse::<ListenAddress>().unwrap();
    assert_eq!(short.to_string(), "unix:///run/specd.sock");
}

#[test]
fn a_wrong_address_is_answered_with_what_would_be_right() {
    let long = format!("unix:///{}", "a".repeat(107));
    for (text, hint) in [
        ("", "tcp://127.0.0.1:50051"),
        ("127.0.0.1:50051", "tcp://127.0.0.1:50051"),
        ("http://127.0.0.1:50051", "unknown transport"),
        ("unix:run/specd.sock", "three slashes"),
        ("fd:/", "unknown transport"),
        ("tcp://localhost:50051", "an IP address and a port"),
        ("tcp://127.0.0.1", "an IP address and a port"),
        ("tcp://::1:50051", "tcp://[::1]:50051"),
        ("tcp://127.0.0.1:65536", "an IP address and a port"),
        ("unix://run/specd.sock", "three slashes"),
        ("unix://", "three slashes"),
        ("unix:///", "add a file name"),
        ("unix:///run/specd/", "add a file name"),
        ("unix:///run/specd/..", "add a file name"),
        (long.as_str(), "has 108 bytes: a unix socket's path may have at most 107"),
    ] {
        let error = text.parse::<ListenAddress>().unwrap_err().to_string();
        assert!(error.contains(hint), "{text:?}: {error}");
    }
}

#[tokio::test]
async fn port_zero_is_reported_as_the_port_it_became() {
    let listener = bind("tcp://127.0.0.1:0").await.unwrap();
    let ListenAddress::Tcp(address) = listener.address() else { panic!("not TCP") };
    assert_ne!(address.port(), 0);
    tokio::net::TcpStream::connect(address).await.unwrap();
}

#[tokio::test]
async fn several_listeners_serve_at_once() {
    let (_directory, path) = room();
    let listen = vec!["tcp://127.0.0.1:0".to_owned(), "tcp://127.0.0.1:0".to_owned(), unix(&path)];
    let server = Start { listen, ..Default::default() }.run().await;
    assert_eq!(server.addresses.len(), 3);
    for address in &server.addresses {
        let mut client = HealthClient::new(connect(address).await.unwrap());
        assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving, "{address}");
    }
}

#[tokio::test]
async fn plaintext_off_loopback_is_refused_unless_allowed() {
    for text in ["tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://192.0.2.1:0"] {
        let error = bind(text).await.unwrap_err();
        assert!(matches!(error, BindError::NotLoopback(_)), "{error}");
        assert!(error.to_string().contains("--insecure-tcp"), "{error}");
    }
    let options = BindOptions { insecure_tcp: true, ..Default::default() };
    Listener::bind(&"tcp://0.0.0.0:0".parse().unwrap(), &options).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_refused() {
    let first = bind("tcp://127.0.0.1:0").await.unwrap();
    let error = bind(&first.address().to_string()).await.unwrap_err();
    assert!(matches!(error, BindError::InUse(_)), "{error}");
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn a_socket_has_the_mode_that_is_asked_for() {
    for mode in [0o660, 0o600, 0o666] {
        let (_directory, path) = room();
        let options = BindOptions { socket_mode: SocketMode(mode), ..Default::default() };
        let address = unix(&path).parse().unwrap();
        let _listener = Listener::bind(&address, &options).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
    }
    assert_eq!(BindOptions::default().socket_mode, SocketMode(0o660));
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let (_directory, path) = room();
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = Start { listen: vec![unix(&path)], ..Default::default() }.run().await;
    assert_eq!(check(&mut server.client().await, "liveness").await, ServingStatus::Serving);
}

#[tokio::test]
async fn a_live_socket_is_refused_and_left_alone() {
    let (_directory, path) = room();
    let server = Start { listen: vec![unix(&path)], ..Default::default() }.run().await;
    let error = bind(&unix(&path)).await.unwrap_err();
    assert!(matches!(error, BindError::InUse(_)), "{error}");
    assert_eq!(check(&mut server.client().await, "liveness").await, ServingStatus::Serving);
}

#[tokio::test]
async fn a_socket_whose_owner_is_too_busy_to_accept_is_live() {
    let (_directory, path) = room();
    let address = SocketAddrUnix::new(&path).unwrap();
    let socket = || {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap()
    };
    let owner = socket();
    rustix::net::bind(&owner, &address).unwrap();
    rustix::net::listen(&owner, 0).unwrap();
    let waiting: Vec<_> = (0..8).map(|_| socket()).collect();
    let refusals =
        waiting.iter().filter(|client| rustix::net::connect(client, &address).is_err()).count();
    assert!(refusals > 0, "the backlog never filled");
    let error = bind(&unix(&path)).await.unwrap_err();
    assert!(matches!(error, BindError::InUse(_)), "{error}");
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let (directory, _) = room();
    let missing = directory.path().join("missing");
    let error = bind(&unix(&missing.join("s.sock"))).await.unwrap_err();
    assert!(matches!(error, BindError::NoDirectory { .. }), "{error}");
    assert!(error.to_string().contains(&format!("directory {}:", missing.display())), "{error}");

    std::fs::write(&missing, "").unwrap();
    let error = bind(&unix(&missing.join("s.sock"))).await.unwrap_err();
    assert!(matches!(error, BindError::NoDirectory { .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_refused_and_left_alone() {
    let (_directory, path) = room();
    std::fs::write(&path, "precious").unwrap();
    let error = bind(&unix(&path)).await.unwrap_err();
    assert!(matches!(error, BindError::NotASocket(_)), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[tokio::test]
async fn a_socket_that_another_put_in_place_is_not_removed() {
    let (_directory, path) = room();
    let ours = bind(&unix(&path)).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let _theirs = UnixListener::bind(&path).unwrap();
    drop(ours);
    assert!(path.exists());
}

/// Waits until a server answers on a path.
async fn answers(address: &ListenAddress) {
    within("the socket to be back", async {
        loop {
            if let Ok(channel) = connect(address).await
                && HealthClient::new(channel).check(ask("liveness")).await.is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_removed_socket_is_bound_again_and_its_connections_stay() {
    let (directory, path) = room();
    let listen = vec![unix(&path)];
    let server = Start { listen, ..Default::default() }.run().await;
    let mut before = server.client().await;
    assert_eq!(check(&mut before, "liveness").await, ServingStatus::Serving);
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode();
    let had = mode();
    std::fs::remove_file(&path).unwrap();
    answers(server.address()).await;
    assert_eq!(mode(), had);

    // What takes its place is left alone.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    std::fs::remove_dir_all(directory.path()).unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    std::fs::create_dir(directory.path()).unwrap();
    answers(server.address()).await;
    assert_eq!(check(&mut before, "liveness").await, ServingStatus::Serving);

    server.shutdown.request();
    server.ended().await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_dropped_listener_removes_its_socket() {
    let (_directory, path) = room();
    let listener = bind(&unix(&path)).await.unwrap();
    assert!(path.exists());
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_start_over_a_stale_socket_one_wins() {
    for _ in 0..20 {
        let (_directory, path) = room();
        drop(UnixListener::bind(&path).unwrap());
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let address = unix(&path);
                tokio::spawn(async move { bind(&address).await })
            })
            .collect();
        let mut winners = vec![];
        for start in starts {
            match start.await.unwrap() {
                Ok(listener) => winners.push(listener),
                Err(error) => assert!(matches!(error, BindError::InUse(_)), "{error}"),
            }
        }
        assert_eq!(winners.len(), 1);
        tokio::net::UnixStream::connect(&path).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_to_listen_on_is_an_error() {
    let server: Server = Start { listen: vec![], ..Default::default() }.run().await;
    let error = server.ended().await.unwrap_err();
    assert_eq!(error.to_string(), "there is no address to listen on");
}
