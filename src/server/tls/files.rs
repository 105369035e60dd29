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

/// The files of certificates and keys, in PEM.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// The server's certificate, followed by its chain.
    pub cert: PathBuf,
    /// The private key of that certificate.
    pub key: PathBuf,
    /// The authorities of clients. If given, each client needs a certificate of one of them.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("--{flag}: cannot read {}: {source}", path.display())]
    Read {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A file has the wrong content.
    #[error("--{flag}: {} {reason}", path.display())]
    Content {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// Its fault.
        reason: String,
    },
    /// The key belongs to another certificate.
    #[error(
        "--tls-key: {} is not the key of the certificate in {}: issue both together",
        key.display(), cert.display()
    )]
    Mismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        cert: PathBuf,
    },
    /// rustls refuses its own defaults, which is a defect.
    #[error("cannot set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A digest of the content of the files.
pub(super) type Fingerprint = [u8; 32];

/// The content of the files.
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

    /// The configuration that the files make.
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
            // A resumed session is not verified again: a client would still be accepted after the authority
            // or the list has changed.
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
                "has no private key: expected PEM with BEGIN PRIVATE KEY".to_owned()
            } else {
                format!("is not PEM: {error}")
            };
            TlsError::Content { flag: KEY, path: files.key.clone(), reason }
        })?;
        // Loaded separately, to tell an invalid key from an invalid certificate.
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
        .map_err(|error| wrong(format!("is not PEM: {error}")))?;
    if chain.is_empty() {
        let reason = "has no certificate: expected PEM with BEGIN CERTIFICATE";
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
