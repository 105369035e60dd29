//! TLS on TCP connections: the handshake and its configuration.
//!
//! `files` reads certificates and keys, `allowed` checks the names of clients, `reload` loads changed files.
//!
//! Invariant: there is always a configuration in force, and all of its files were valid.

mod allowed;
mod files;
mod reload;

pub use allowed::{AllowedName, NameError};
pub use files::{TlsError, TlsFiles};

use crate::server::accepted::Duplex;
use arc_swap::ArcSwap;
use files::{Fingerprint, Pem};
use rustls::ServerConfig;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// The protocol that a client must offer: gRPC needs HTTP/2.
const HTTP2: &[u8] = b"h2";

/// The options of TLS.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// The files of certificates and keys.
    pub files: TlsFiles,
    /// The names of clients that are allowed, of those with a certificate of the authority. If empty, all are.
    pub allowed: Vec<AllowedName>,
}

/// TLS with its current configuration. All clones share it.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    options: TlsOptions,
    current: ArcSwap<ServerConfig>,
    /// The fingerprint of the files at the start.
    first: Fingerprint,
    failures: AtomicU64,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// A [`TlsError`] that names the file and its fault.
    pub async fn open(options: TlsOptions) -> Result<Self, TlsError> {
        let pem = Pem::read(&options.files).await?;
        let current = ArcSwap::from_pointee(pem.config(&options)?);
        let first = pem.fingerprint();
        let failures = AtomicU64::new(0);
        Ok(Self(Arc::new(Shared { options, current, first, failures })))
    }

    /// How many times changed files could not be loaded.
    #[must_use]
    pub fn reload_failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// Performs the handshake with a client.
    ///
    /// # Errors
    ///
    /// If it fails, takes longer than `within`, or the client does not offer HTTP/2.
    pub(super) async fn accept(
        &self,
        stream: Box<dyn Duplex>,
        within: Duration,
    ) -> io::Result<Box<dyn Duplex>> {
        let acceptor = TlsAcceptor::from(self.0.current.load_full());
        let stream =
            tokio::time::timeout(within, acceptor.accept(stream)).await.map_err(|_| {
                let text = format!("the client did not finish the handshake within {within:?}");
                io::Error::new(io::ErrorKind::TimedOut, text)
            })??;
        if stream.get_ref().1.alpn_protocol() != Some(HTTP2) {
            let text = "the client did not offer HTTP/2 (ALPN h2), which gRPC needs";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Box::new(stream))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("options", &self.0.options).finish_non_exhaustive()
    }
}
