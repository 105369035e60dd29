//! Which clients with a valid certificate are allowed: by the names in the certificate.

use crate::server::log_limit::LogLimit;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, DnsName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use webpki::EndEntityCert;

/// A subject alternative name that a client's certificate may have. Compared whole: no wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedName {
    /// A DNS name, in any case.
    Dns(String),
    /// A URI, compared byte for byte, for example `spiffe://cluster.local/ns/default/sa/faasd`.
    Uri(String),
}

/// A text is neither a DNS name nor a URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a DNS name or a URI, for example client.example.org or spiffe://cluster.local/ns/default/sa/client"
)]
pub struct NameError;

impl FromStr for AllowedName {
    type Err = NameError;

    /// A text with a colon is a URI: DNS names have none.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some((scheme, rest)) = text.split_once(':') else {
            let name = DnsName::try_from(text).map_err(|_| NameError)?;
            return Ok(Self::Dns(name.as_ref().to_ascii_lowercase()));
        };
        let letters = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let is_uri = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(letters)
            && !rest.trim_matches('/').is_empty()
            && rest.chars().all(|c| c.is_ascii_graphic());
        if is_uri { Ok(Self::Uri(text.to_owned())) } else { Err(NameError) }
    }
}

impl fmt::Display for AllowedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) | Self::Uri(name) => f.write_str(name),
        }
    }
}

/// A verifier that accepts what another verifier accepts, if the certificate has a name on a list.
///
/// It can only refuse more than the other verifier.
#[derive(Debug)]
pub(super) struct AllowedClients {
    inner: Arc<dyn ClientCertVerifier>,
    names: Vec<AllowedName>,
    refusals: LogLimit,
}

impl AllowedClients {
    /// The same verifier, if the list is empty.
    pub(super) fn over(
        inner: Arc<dyn ClientCertVerifier>,
        names: Vec<AllowedName>,
    ) -> Arc<dyn ClientCertVerifier> {
        if names.is_empty() {
            inner
        } else {
            Arc::new(Self { inner, names, refusals: LogLimit::default() })
        }
    }

    fn has_one(&self, certificate: &CertificateDer<'_>) -> Result<bool, Error> {
        let parsed = EndEntityCert::try_from(certificate)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let is_allowed = parsed.valid_uri_names().any(|uri| {
            self.names.iter().any(|name| matches!(name, AllowedName::Uri(name) if name == uri))
        }) || parsed.valid_dns_names().any(|dns| {
            self.names.iter().any(
                |name| matches!(name, AllowedName::Dns(name) if name.eq_ignore_ascii_case(dns)),
            )
        });
        if !is_allowed {
            let names: Vec<&str> =
                parsed.valid_uri_names().chain(parsed.valid_dns_names()).collect();
            if let Some(left_out) = self.refusals.admit() {
                tracing::warn!(
                    ?names,
                    left_out,
                    "refused: the client's certificate has no name that is allowed"
                );
            }
        }
        Ok(is_allowed)
    }
}

impl ClientCertVerifier for AllowedClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(end_entity, intermediates, now)?;
        if self.has_one(end_entity)? {
            return Ok(verified);
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_name_or_a_uri() {
        for (text, name) in [
            ("Client.Example.org", AllowedName::Dns("client.example.org".to_owned())),
            ("localhost", AllowedName::Dns("localhost".to_owned())),
            ("spiffe://a.b/ns/x", AllowedName::Uri("spiffe://a.b/ns/x".to_owned())),
            ("urn:uuid:1", AllowedName::Uri("urn:uuid:1".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(name));
        }
        for text in ["", "*.example.org", "a b", "spiffe://", "://x", "1a:x", "spiffe://a b", ":"] {
            let error = text.parse::<AllowedName>().unwrap_err().to_string();
            assert!(error.contains("spiffe://"), "{error}");
        }
    }
}
