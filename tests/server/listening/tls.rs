//! TLS and mutual TLS on TCP.

use crate::listening::{Running, SOON, ask, lives, serve as serve_with, specd, unix};
use crate::support::certificates::{Authority, Issued, Secret};
use crate::support::serve_config::serve_config;
use crate::support::tls_client::{config, meet};
use rustls::HandshakeKind;
use specd::server::health::Health;
use specd::server::listen::{BindOptions, ListenAddress, Listener};
use specd::server::serve::{ServeConfig, serve};
use specd::server::shutdown::Shutdown;
use specd::server::tls::{Tls, TlsFiles, TlsOptions};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::service::Routes;

/// A server with TLS and these flags more.
fn start(secret: &Secret, listen: &str, flags: &[&str]) -> (Running, String) {
    let files = ["--tls-cert", &secret.text("tls.crt"), "--tls-key", &secret.text("tls.key")];
    let mut server = Running::start(serve_with(&[listen]).args(files).args(flags));
    let address = server.listens();
    (server, address)
}

/// Our own client, over TLS, with an authority to trust and maybe a certificate to show.
fn calls(address: &str, authority: &Authority, identity: Option<&Issued>) -> Result<(), String> {
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut command = specd();
    command.arg("health").arg("--tls-ca").arg(file("ca.pem", &authority.pem()));
    if let Some(issued) = identity {
        command.arg("--tls-cert").arg(file("cert.pem", &issued.cert));
        command.arg("--tls-key").arg(file("key.pem", &issued.key));
    }
    command.args(["--service", "liveness", "--server"]);
    let output = crate::listening::finished(command.arg(address.replace("tcp://", "https://")));
    let text = String::from_utf8(output.stderr).unwrap();
    if output.status.success() { Ok(()) } else { Err(text) }
}

#[test]
fn tls_is_spoken_over_tcp_and_opens_addresses_off_loopback() {
    let authority = Authority::new("ours");
    let secret = Secret::server(&authority.server());
    let (_server, address) = start(&secret, "tcp://0.0.0.0:0", &[]);
    let address = address.replace("0.0.0.0", "127.0.0.1");
    calls(&address, &authority, None).unwrap();
    let error = calls(&address, &Authority::new("another"), None).unwrap_err();
    assert!(error.contains("certificate"), "{error}");
}

#[test]
fn a_plaintext_client_on_a_tls_port_is_refused_and_unix_sockets_stay_plain() {
    let secret = Secret::server(&Authority::new("ours").server());
    let directory = tempfile::tempdir().unwrap();
    let path = unix(&directory.path().join("specd.sock"));
    let (mut server, address) = start(&secret, "tcp://127.0.0.1:0", &["--listen", &path]);
    lives(&address).unwrap_err();
    server.says(&["WARN", "refused", "the TLS handshake failed", "127.0.0.1:"]);
    lives(&path).unwrap();
}

#[test]
fn a_client_that_does_not_offer_http2_by_alpn_is_refused() {
    let authority = Authority::new("ours");
    let secret = Secret::server(&authority.server());
    let (mut server, address) = start(&secret, "tcp://127.0.0.1:0", &[]);
    meet(&address, &Arc::new(config(&authority.pem(), None))).unwrap();

    let mut without = config(&authority.pem(), None);
    without.alpn_protocols.clear();
    assert!(meet(&address, &Arc::new(without)).is_err());
    server.says(&["WARN", "refused", "did not offer HTTP/2 (ALPN h2)"]);

    let mut other = config(&authority.pem(), None);
    other.alpn_protocols = vec![b"http/1.1".to_vec()];
    assert!(meet(&address, &Arc::new(other)).is_err());
    server.says(&["WARN", "refused", "the TLS handshake failed"]);
}

#[test]
fn mutual_tls_lets_in_the_clients_of_its_authority_and_nobody_else() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let issued = servers.server();
    let ca = clients.pem();
    let files = [("tls.crt", &*issued.cert), ("tls.key", &issued.key), ("ca.crt", &ca)];
    let secret = Secret::new(&files);
    let flags = ["--tls-client-ca", &secret.text("ca.crt")];
    let (mut server, address) = start(&secret, "tcp://127.0.0.1:0", &flags);
    calls(&address, &servers, Some(&clients.issue(&["client.example.org"]))).unwrap();

    for stranger in [None, Some(servers.issue(&["client.example.org"]))] {
        calls(&address, &servers, stranger.as_ref()).unwrap_err();
        server.says(&["WARN", "refused", "the TLS handshake failed"]);
    }
}

/// Go's TLS, which shares nothing with ours.
#[test]
fn tools_of_others_call_over_mutual_tls() {
    let authority = Authority::new("ours");
    let (issued, ca) = (authority.server(), authority.pem());
    let client = authority.issue(&["client.example.org"]);
    let files = [
        ("tls.crt", &*issued.cert),
        ("tls.key", &issued.key),
        ("ca.crt", &ca),
        ("client.crt", &client.cert),
        ("client.key", &client.key),
    ];
    let secret = Secret::new(&files);
    let ca = secret.text("ca.crt");
    let (cert, key) = (secret.text("client.crt"), secret.text("client.key"));
    let (_server, address) = start(&secret, "tcp://127.0.0.1:0", &["--tls-client-ca", &ca]);
    let address = address.strip_prefix("tcp://").unwrap();
    let probe = ["-addr", address, "-service", "liveness", "-tls", "-tls-ca-cert", &ca];
    let client = ["-tls-client-cert", &cert, "-tls-client-key", &key];
    let list = ["-cacert", &ca, "-cert", &cert, "-key", &key, address, "list"];
    for (tool, args, lets_in) in [
        ("grpc-health-probe", [&probe[..], &client].concat(), true),
        ("grpc-health-probe", probe.to_vec(), false),
        ("grpcurl", list.to_vec(), true),
    ] {
        match std::process::Command::new(tool).args(&args).output() {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.success(), lets_in, "{tool} {args:?}: {text}");
            }
            Err(error) => {
                crate::listening::say(&format!("SKIPPED: {tool} over mutual TLS: {error}"));
            }
        }
    }
}

#[test]
fn mutual_tls_can_be_limited_to_names_and_spiffe_ids() {
    let authority = Authority::new("ours");
    let issued = authority.server();
    let ca = authority.pem();
    let files = [("tls.crt", &*issued.cert), ("tls.key", &issued.key), ("ca.crt", &ca)];
    let secret = Secret::new(&files);
    let allowed = "spiffe://cluster.local/ns/default/sa/faasd,client.example.org";
    let flags = ["--tls-client-ca", &secret.text("ca.crt"), "--tls-allow-san", allowed];
    let (mut server, address) = start(&secret, "tcp://127.0.0.1:0", &flags);
    for names in [
        &["client.example.org"][..],
        &["CLIENT.example.org"],
        &["other.example.org", "spiffe://cluster.local/ns/default/sa/faasd"],
    ] {
        calls(&address, &authority, Some(&authority.issue(names))).unwrap();
    }
    for names in [
        &["other.example.org"][..],
        &["sub.client.example.org"],
        &["*.example.org"],
        &["spiffe://cluster.local/ns/default/sa/faasd2"],
        &["spiffe://cluster.local/ns/default/sa"],
        &["SPIFFE://cluster.local/ns/default/sa/faasd"],
        &[],
    ] {
        let error = calls(&address, &authority, Some(&authority.issue(names)));
        assert!(error.is_err(), "{names:?}");
        server.says(&["WARN", "no name that is allowed"]);
    }
}

#[test]
fn sessions_are_not_resumed_with_mutual_tls() {
    let authority = Authority::new("ours");
    let issued = authority.server();
    let ca = authority.pem();
    let files = [("tls.crt", &*issued.cert), ("tls.key", &issued.key), ("ca.crt", &ca)];
    let secret = Secret::new(&files);
    let kinds = |flags: &[&str]| {
        let (_server, address) = start(&secret, "tcp://127.0.0.1:0", flags);
        let client = Arc::new(config(&ca, Some(&authority.issue(&["client.example.org"]))));
        [(); 2].map(|()| meet(&address, &client).unwrap().kind)
    };
    let mutual = kinds(&["--tls-client-ca", &secret.text("ca.crt")]);
    assert_eq!(mutual, [HandshakeKind::Full, HandshakeKind::Full]);
    // That the same client resumes elsewhere shows that it would have.
    assert_eq!(kinds(&[]), [HandshakeKind::Full, HandshakeKind::Resumed]);
}

#[tokio::test]
async fn a_client_that_does_not_finish_the_handshake_is_let_go() {
    let secret = Secret::server(&Authority::new("ours").server());
    let files =
        TlsFiles { cert: secret.path("tls.crt"), key: secret.path("tls.key"), client_ca: None };
    let tls = Some(Tls::open(TlsOptions { files, allowed: vec![] }).await.unwrap());
    let options = BindOptions { tls, ..BindOptions::default() };
    let address = "tcp://127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(&address, &options).await.unwrap();
    let ListenAddress::Tcp(address) = *listener.address() else { panic!("not TCP") };
    let (health, shutdown) = (Health::new("example.v1.Example"), Shutdown::new());
    let config = ServeConfig { tls_timeout: Duration::from_millis(200), ..serve_config() };
    assert_eq!(serve_config().tls_timeout, Duration::from_secs(10));
    let routes = Routes::new(health.server());
    let running = tokio::spawn(serve(vec![listener], routes, health, config, shutdown.clone()));

    // Half a record, and nothing after it.
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
    let mut rest = vec![];
    let closed = tokio::time::timeout(SOON, client.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the server waits for the handshake");

    // One that hangs in the handshake does not hold up the end.
    let _client = tokio::net::TcpStream::connect(address).await.unwrap();
    shutdown.request();
    tokio::time::timeout(SOON, running).await.unwrap().unwrap().unwrap();
}

#[test]
fn our_own_client_says_what_its_flags_lack() {
    let wanted = ["https://127.0.0.1:1", "--tls-ca"];
    crate::listening::refused(
        specd().args(["health", "--server", "https://127.0.0.1:1"]),
        2,
        &wanted,
    );
    let mut plain = specd();
    plain.args(["health", "--server", "tcp://127.0.0.1:1", "--tls-ca", "/nonexistent/ca.pem"]);
    crate::listening::refused(&mut plain, 2, &["--tls-ca", "not encrypted", "https://"]);
    let mut missing = specd();
    missing.args([
        "generate",
        "a",
        "--server",
        "https://127.0.0.1:1",
        "--tls-ca",
        "/nonexistent/ca",
    ]);
    crate::listening::refused(&mut missing, 1, &["--tls-ca", "/nonexistent/ca", "No such file"]);
    assert!(ask(specd().args(["--tls-cert", "/c"]), "https://127.0.0.1:1").is_err());
}

/// An error of a command has the address, the innermost cause, and what to do.
#[test]
fn a_client_says_why_the_connection_fails() {
    let (authority, others) = (Authority::new("ours"), Authority::new("others"));
    let (issued, ca) = (authority.server(), authority.pem());
    let files = [("tls.crt", &*issued.cert), ("tls.key", &issued.key), ("ca.crt", &ca)];
    let secret = Secret::new(&files);
    let mutual = ["--tls-client-ca", &secret.text("ca.crt"), "--tls-allow-san", "known.example"];
    let (_server, address) = start(&secret, "tcp://127.0.0.1:0", &mutual);
    let mut server = Running::start(&mut serve_with(&["tcp://127.0.0.1:0"]));
    let plain = server.listens();
    let named = |error: &str, address: &str| {
        let start = format!("error: cannot reach the server at {address}: ");
        assert!(error.starts_with(&start), "{error}");
        assert!(!error.contains("transport error") && !error.contains("canceled"), "{error}");
    };
    let https = |address: &str| address.replace("tcp://", "https://");
    for (address, identity, words) in [
        (&address, None, "--tls-cert and --tls-key"),
        (&address, Some(others.issue(&["known.example"])), "may not allow this certificate"),
        (&address, Some(authority.issue(&["unknown.example"])), "may not allow this certificate"),
        (&plain, None, "the server does not use TLS: use tcp://HOST:PORT"),
    ] {
        let error = calls(address, &authority, identity.as_ref()).unwrap_err();
        named(&error, &https(address));
        assert!(error.contains(words), "{words}: {error}");
    }
    let error = crate::listening::finished(specd().args(["health", "--server", &address])).stderr;
    let error = String::from_utf8(error).unwrap();
    named(&error, &address);
    assert!(error.contains("use https://HOST:PORT and --tls-ca"), "{error}");
}

#[test]
fn clients_without_a_certificate_take_no_place_of_others() {
    let authority = Authority::new("ours");
    let issued = authority.server();
    let ca = authority.pem();
    let files = [("tls.crt", &*issued.cert), ("tls.key", &issued.key), ("ca.crt", &ca)];
    let secret = Secret::new(&files);
    let directory = tempfile::tempdir().unwrap();
    let path = unix(&directory.path().join("specd.sock"));
    let ca_file = secret.text("ca.crt");
    let flags = ["--tls-client-ca", &ca_file, "--max-connections", "40", "--listen", &path];
    let (_server, address) = start(&secret, "tcp://127.0.0.1:0", &flags);
    let target = address.strip_prefix("tcp://").unwrap();
    let _silent: Vec<std::net::TcpStream> =
        (0..200).map(|_| std::net::TcpStream::connect(target).unwrap()).collect();
    lives(&path).unwrap();
    calls(&address, &authority, Some(&authority.issue(&["a"]))).unwrap();
}
