//! From PEM files to a configuration of rustls.

use crate::server::tls::allowed::AllowedClients;
use crate::server::tls::{HTTP2, TlsOptions};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::{Error as PemError, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where certificates and keys are, each file in PEM.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// The server's certificate, then those that lead from it to an authority.
    pub cert: PathBuf,
    /// The key of that certificate.
    pub key: PathBuf,
    /// The authorities of clients. Given, each client needs a certificate of theirs.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("--{flag}: cannot read {}: {source}", path.display())]
    Read {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("--{flag}: {} {reason}", path.display())]
    Content {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key is another certificate's.
    #[error(
        "--tls-key: {} is not the key of the certificate in {}, issue both together",
        key.display(), cert.display()
    )]
    Mismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        cert: PathBuf,
    },
    /// rustls is at odds with itself: a defect.
    #[error("cannot set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A digest of what the files held.
pub(super) type Fingerprint = [u8; 32];

/// The bytes of the files.
pub(super) struct Pem {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

const CERT: &str = "tls-cert";
const KEY: &str = "tls-key";
const CLIENT_CA: &str = "tls-client-ca";

impl Pem {
    pub(super) async fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let client_ca = match &files.client_ca {
            Some(path) => Some(read(CLIENT_CA, path).await?),
            None => None,
        };
        let (cert, key) = (read(CERT, &files.cert).await?, read(KEY, &files.key).await?);
        Ok(Self { cert, key, client_ca })
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut digest = Sha256::new();
        for bytes in [&self.cert, &self.key, self.client_ca.as_ref().unwrap_or(&Vec::new())] {
            digest.update(bytes.len().to_be_bytes());
            digest.update(bytes);
        }
        digest.finalize().into()
    }

    /// What the files say, where they say something.
    pub(super) fn config(&self, options: &TlsOptions) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(default_provider());
        let identity = self.identity(&options.files, &provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match (&self.client_ca, &options.files.client_ca) {
            (Some(pem), Some(path)) => {
                let roots = Arc::new(authorities(pem, path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .build()
                    .map_err(|error| content(CLIENT_CA, path, error))?;
                let allowed = options.allowed.clone();
                builder.with_client_cert_verifier(AllowedClients::over(verifier, allowed))
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config =
            builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(identity)));
        config.alpn_protocols = vec![HTTP2.to_vec()];
        if self.client_ca.is_some() {
            // A session that is taken up again is not verified again: whoever was let in once would stay
            // welcome when the authority or the list has changed.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    fn identity(
        &self,
        files: &TlsFiles,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, TlsError> {
        let chain = certificates(&self.cert, CERT, &files.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| {
            let reason = if matches!(error, PemError::NoItemsFound) {
                "holds no private key, it needs PEM with BEGIN PRIVATE KEY".to_owned()
            } else {
                format!("is no PEM: {error}")
            };
            TlsError::Content { flag: KEY, path: files.key.clone(), reason }
        })?;
        // Asked apart, so that it is known which of the two a failure is about.
        if let Err(error) = provider.key_provider.load_private_key(key.clone_key()) {
            return Err(content(KEY, &files.key, error));
        }
        CertifiedKey::from_der(chain, key, provider).map_err(|error| {
            if matches!(error, rustls::Error::InconsistentKeys(_)) {
                return TlsError::Mismatch { key: files.key.clone(), cert: files.cert.clone() };
            }
            content(CERT, &files.cert, error)
        })
    }
}

async fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let read = tokio::fs::read(path).await;
    read.map_err(|source| TlsError::Read { flag, path: path.to_owned(), source })
}

fn content(flag: &'static str, path: &Path, error: impl std::fmt::Display) -> TlsError {
    TlsError::Content { flag, path: path.to_owned(), reason: format!("cannot be used: {error}") }
}

fn certificates(
    pem: &[u8],
    flag: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |reason| TlsError::Content { flag, path: path.to_owned(), reason };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, PemError>>()
        .map_err(|error| wrong(format!("is no PEM: {error}")))?;
    if chain.is_empty() {
        let reason = "holds no certificate, it needs PEM with BEGIN CERTIFICATE";
        return Err(wrong(reason.to_owned()));
    }
    Ok(chain)
}

fn authorities(pem: &[u8], path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, CLIENT_CA, path)? {
        roots.add(certificate).map_err(|error| content(CLIENT_CA, path, error))?;
    }
    Ok(roots)
}
