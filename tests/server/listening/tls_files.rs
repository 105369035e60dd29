//! Certificates and keys: what is wrong with them at the start, and what happens when they change.

use crate::listening::{Running, SOON, refused, serve, specd};
use crate::support::certificates::{Authority, Issued, Secret};
use crate::support::tls_client::{config, meet};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use specd::server::tls::{Tls, TlsFiles, TlsOptions};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn with_tls(secret: &Secret) -> std::process::Command {
    let mut command = serve(&["tcp://127.0.0.1:0"]);
    command.args(["--tls-cert", &secret.text("tls.crt"), "--tls-key", &secret.text("tls.key")]);
    command
}

#[test]
fn a_certificate_that_does_not_parse_or_match_is_named_with_its_reason() {
    let issued = Authority::new("ours").server();
    let other = Authority::new("another").server();
    let broken_base64 = issued.cert.replacen("MI", "?!", 1);
    let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (cert, key, wanted) in [
        (
            "",
            &*issued.key,
            &["--tls-cert", "tls.crt", "has no certificate", "BEGIN CERTIFICATE"][..],
        ),
        (&issued.key, &issued.key, &["--tls-cert", "tls.crt", "has no certificate"]),
        (&broken_base64, &issued.key, &["--tls-cert", "tls.crt", "is not PEM"]),
        (no_der, &issued.key, &["--tls-cert", "tls.crt", "cannot be used"]),
        (&issued.cert, "", &["--tls-key", "tls.key", "has no private key"]),
        (&issued.cert, &issued.cert, &["--tls-key", "tls.key", "has no private key"]),
        (&issued.cert, no_key, &["--tls-key", "tls.key", "cannot be used"]),
        (
            &issued.cert,
            &other.key,
            &["--tls-key", "is not the key of the certificate in", "tls.crt"],
        ),
    ] {
        let secret = Secret::new(&[("tls.crt", cert), ("tls.key", key)]);
        refused(&mut with_tls(&secret), 1, wanted);
    }
    let secret = Secret::server(&issued);
    std::fs::remove_file(secret.path("tls.key")).unwrap();
    refused(&mut with_tls(&secret), 1, &["--tls-key", "cannot read", "tls.key", "No such file"]);
}

#[test]
fn an_authority_of_clients_that_does_not_parse_is_named() {
    let issued = Authority::new("ours").server();
    for (ca, wanted) in
        [("", "has no certificate"), ("-----BEGIN CERTIFICATE-----\nAAAA", "not PEM")]
    {
        let files = [("tls.crt", &*issued.cert), ("tls.key", &issued.key), ("ca.crt", ca)];
        let secret = Secret::new(&files);
        let mut command = with_tls(&secret);
        command.args(["--tls-client-ca", &secret.text("ca.crt")]);
        refused(&mut command, 1, &["--tls-client-ca", "ca.crt", wanted]);
    }
}

#[test]
fn flags_of_tls_that_lack_another_end_with_code_2() {
    for (flags, wanted) in [
        (&["--tls-cert", "/c"][..], "--tls-key"),
        (&["--tls-key", "/k"], "--tls-cert"),
        (&["--tls-client-ca", "/a"], "--tls-cert"),
        (&["--tls-cert", "/c", "--tls-key", "/k", "--tls-allow-san", "a"], "--tls-client-ca"),
    ] {
        let output = crate::listening::finished(specd().arg("serve").args(flags));
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(wanted), "{text}");
    }
    let secret = Secret::server(&Authority::new("ours").server());
    let mut command = with_tls(&secret);
    command.args(["--tls-client-ca", "/a", "--tls-allow-san", "*.example.org"]);
    refused(&mut command, 2, &["--tls-allow-san", "'*.example.org'", "spiffe://"]);
}

/// Meets the server until it shows this certificate; every handshake on the way must succeed.
fn shows(address: &str, client: &Arc<rustls::ClientConfig>, issued: &Issued) {
    let wanted = CertificateDer::from_pem_slice(issued.cert.as_bytes()).unwrap();
    let until = Instant::now() + SOON;
    while meet(address, client).unwrap().certificate != wanted {
        assert!(Instant::now() < until, "it never shows the new certificate");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn certificates_are_reloaded_when_a_symlink_is_swapped() {
    let authority = Authority::new("ours");
    let (first, second) = (authority.server(), authority.server());
    let mut secret = Secret::server(&first);
    let mut server = Running::start(&mut with_tls(&secret));
    let address = server.listens();
    let client = Arc::new(config(&authority.pem(), None));
    shows(&address, &client, &first);
    secret.swap_server(&second);
    shows(&address, &client, &second);
    server.says(&["INFO", "TLS files have changed"]);
}

#[test]
fn a_certificate_that_breaks_on_reload_leaves_the_old_one_in_force_and_says_so() {
    let authority = Authority::new("ours");
    let (first, second) = (authority.server(), authority.server());
    let mut secret = Secret::server(&first);
    let mut server = Running::start(&mut with_tls(&secret));
    let address = server.listens();
    let client = Arc::new(config(&authority.pem(), None));

    secret.swap(&[("tls.crt", &second.cert), ("tls.key", &first.key)]);
    server.says(&["ERROR", "old ones stay in force", "is not the key of the certificate"]);
    shows(&address, &client, &first);
    secret.swap(&[("tls.crt", &second.cert)]);
    server.says(&["ERROR", "old ones stay in force", "cannot read", "tls.key"]);
    shows(&address, &client, &first);

    secret.swap_server(&second);
    shows(&address, &client, &second);
}

#[test]
fn the_authority_of_clients_is_reloaded_too() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let issued = ours.server();
    let (our_ca, their_ca) = (ours.pem(), theirs.pem());
    let with_ca = |ca| [("tls.crt", &*issued.cert), ("tls.key", &*issued.key), ("ca.crt", ca)];
    let mut secret = Secret::new(&with_ca(&our_ca));
    let mut command = with_tls(&secret);
    let mut server = Running::start(command.args(["--tls-client-ca", &secret.text("ca.crt")]));
    let address = server.listens();
    let client = Arc::new(config(&ours.pem(), Some(&ours.issue(&["client.example.org"]))));
    meet(&address, &client).unwrap();
    secret.swap(&with_ca(&their_ca));
    server.says(&["INFO", "TLS files have changed"]);
    assert!(meet(&address, &client).is_err());
}

#[tokio::test]
async fn failed_reloads_are_counted_once_each() {
    let authority = Authority::new("ours");
    let (first, second) = (authority.server(), authority.server());
    let mut secret = Secret::server(&first);
    let files =
        TlsFiles { cert: secret.path("tls.crt"), key: secret.path("tls.key"), client_ca: None };
    let tls = Tls::open(TlsOptions { files, allowed: vec![] }).await.unwrap();
    let follower = tls.clone();
    tokio::spawn(async move { follower.follow(Duration::from_millis(20)).await });
    for failures in 1..=3 {
        // Each time other files that do not fit together.
        secret.swap(&[("tls.crt", &authority.server().cert), ("tls.key", &second.key)]);
        let until = Instant::now() + SOON;
        while tls.reload_failures() < failures {
            assert!(Instant::now() < until, "failure {failures} is not counted");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(tls.reload_failures(), failures, "one failure is counted again and again");
    }
    secret.swap_server(&second);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(tls.reload_failures(), 3);
}
