//! A TLS client that can do what no gRPC client does.

#![allow(dead_code, reason = "each program that includes this uses some of it")]

use crate::support::certificates::Issued;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, Stream};
use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// How long a handshake may take; long, for machines are noisy.
const SOON: Duration = Duration::from_secs(20);

/// What a client found.
pub(crate) struct Met {
    /// The server's certificate.
    pub(crate) certificate: CertificateDer<'static>,
    /// Whether a session was taken up again.
    pub(crate) kind: HandshakeKind,
}

/// A client that trusts one authority and offers HTTP/2.
pub(crate) fn config(authority: &str, identity: Option<&Issued>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(issued) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(issued.cert.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// Makes the handshake and reads the server's first frame, which it sends to whom it lets in.
pub(crate) fn meet(address: &str, config: &Arc<ClientConfig>) -> Result<Met, String> {
    let address = address.strip_prefix("tcp://").unwrap();
    let mut socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
    socket.set_read_timeout(Some(SOON)).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut frame = [0; 9];
    Stream::new(&mut connection, &mut socket)
        .read_exact(&mut frame)
        .map_err(|error| error.to_string())?;
    assert_eq!(frame[3], 4, "the first frame is not SETTINGS");
    Ok(Met {
        certificate: connection.peer_certificates().unwrap()[0].clone().into_owned(),
        kind: connection.handshake_kind().unwrap(),
    })
}
