//! TLS on TCP connections: the handshake, and the configuration that it is made with.
//!
//! `files` reads certificates and keys, `allowed` says which clients may come, `reload` follows changes
//! of the files.
//!
//! Invariant: there is a configuration in force at all times, and it is one that was read whole.

mod allowed;
mod files;
mod reload;

pub use allowed::{AllowedName, NameError};
pub use files::{TlsError, TlsFiles};

use crate::server::listen::Duplex;
use arc_swap::ArcSwap;
use files::{Fingerprint, Pem};
use rustls::ServerConfig;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// The protocol that a client has to offer: gRPC is spoken over nothing else.
const HTTP2: &[u8] = b"h2";

/// How TLS is spoken.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// Where certificates and keys are.
    pub files: TlsFiles,
    /// Which clients may come, of those that have a certificate of the client authority. Empty, all may.
    pub allowed: Vec<AllowedName>,
}

/// TLS, ready to be spoken. All clones are one.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    options: TlsOptions,
    current: ArcSwap<ServerConfig>,
    /// What the files held when they were read at the start.
    first: Fingerprint,
    failures: AtomicU64,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// A [`TlsError`] that names the file and what is wrong with it.
    pub async fn open(options: TlsOptions) -> Result<Self, TlsError> {
        let pem = Pem::read(&options.files).await?;
        let current = ArcSwap::from_pointee(pem.config(&options)?);
        let first = pem.fingerprint();
        let failures = AtomicU64::new(0);
        Ok(Self(Arc::new(Shared { options, current, first, failures })))
    }

    /// How often changed files could not be taken over.
    #[must_use]
    pub fn reload_failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// Makes the handshake with a client.
    ///
    /// # Errors
    ///
    /// What went wrong, also where it took longer than `within` or where the client does not offer HTTP/2.
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
