//! A connection to a running server.

use crate::commands::Failure;
use crate::commands::flag_values::socket_path;
use clap::Args;
use http::{Request, Response};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::body::Body;
use tonic::codegen::StdError;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::ServiceExt;
use tower::util::BoxService;

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How a client speaks TLS with a server at `https://`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ClientTlsArgs {
    /// The certificate authorities of a server at https://, in PEM
    #[arg(long, help_heading = "TLS", value_name = "FILE", env = "SPECD_CLIENT_TLS_CA")]
    tls_ca: Option<PathBuf>,
    /// The client's certificate chain, in PEM, for a server that requires one
    #[arg(
        long,
        help_heading = "TLS",
        value_name = "FILE",
        env = "SPECD_CLIENT_TLS_CERT",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// The private key of the client's certificate, in PEM
    #[arg(
        long,
        help_heading = "TLS",
        value_name = "FILE",
        env = "SPECD_CLIENT_TLS_KEY",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
}

/// A connection to a server. Its errors have the server's address and the innermost cause.
pub(super) type Connection = BoxService<Request<Body>, Response<Body>, StdError>;

/// Connects to `unix:///PATH`, `tcp://HOST:PORT`, `https://HOST:PORT`, `HOST:PORT` or the path of a socket.
pub(super) async fn connect(address: &str, tls: &ClientTlsArgs) -> Result<Connection, Failure> {
    let endpoint = tls.apply(endpoint(address)?.connect_timeout(CONNECT_TIMEOUT), address)?;
    let channel = match endpoint.connect().await {
        Ok(channel) => channel,
        Err(error) => return Err(Failure::run(unreachable(address, tls, &error))),
    };
    let (address, tls) = (address.to_owned(), tls.clone());
    // tonic makes a status of the error, with its text as the message.
    Ok(BoxService::new(channel.map_err(move |error| unreachable(&address, &tls, &error).into())))
}

/// Waits for the answer of a server, for a limited time.
pub(super) async fn wait<T>(
    address: &str,
    timeout: Duration,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = |_| {
        let timeout = humantime::format_duration(timeout);
        Failure::run(format_args!("{address} did not answer within {timeout}"))
    };
    tokio::time::timeout(timeout, answer).await.map_err(late)?
}

/// A sentence for a connection that cannot be made, or that broke off.
fn unreachable(address: &str, tls: &ClientTlsArgs, error: &dyn std::error::Error) -> String {
    let cause = root_cause(error);
    let hint = hint(address, tls.tls_cert.is_some(), &cause);
    format!("cannot reach the server at {address}: {cause}{hint}")
}

/// What to do about a cause. A server with TLS may close a connection before its reason is read.
fn hint(address: &str, has_certificate: bool, cause: &str) -> &'static str {
    let over_tcp = socket_path(address).is_none();
    let closed = [
        "pipe",
        "reset",
        "closed",
        "close_notify",
        "eof",
        "alert",
        "canceled",
        "frame",
        "connection was not ready",
    ]
    .iter()
    .any(|word| cause.to_lowercase().contains(word));
    match address.starts_with("https://") {
        true if cause.contains("InvalidContentType") => {
            "; the server does not use TLS: use tcp://HOST:PORT"
        }
        true if closed && has_certificate => {
            "; the server may not allow this certificate: its log says why"
        }
        true if closed => "; the server may require a certificate: use --tls-cert and --tls-key",
        false if closed && over_tcp => {
            "; the server may use TLS: use https://HOST:PORT and --tls-ca"
        }
        _ => "",
    }
}

fn endpoint(address: &str) -> Result<Endpoint, Failure> {
    let uri = uri(address)?;
    Endpoint::from_shared(uri).map_err(|error| {
        Failure::usage(format_args!("--server: invalid address {address:?}: {error}"))
    })
}

/// The address as tonic takes it.
fn uri(address: &str) -> Result<String, Failure> {
    let invalid = |what: &dyn std::fmt::Display| {
        Failure::usage(format_args!("--server: invalid address {address:?}: {what}"))
    };
    Ok(match (socket_path(address), address.split_once("://")) {
        (Some(""), _) => return Err(invalid(&"the path is missing: unix:///run/specd/specd.sock")),
        (Some(path), _) => {
            let path = std::path::absolute(path).map_err(|error| invalid(&error))?;
            format!("unix://{}", path.display())
        }
        (None, Some(("https", _))) => address.to_owned(),
        (None, Some(("tcp", rest))) => format!("http://{rest}"),
        (None, None) if address.contains(':') => format!("http://{address}"),
        _ => {
            let expected = "expected unix:///PATH, tcp://HOST:PORT or https://HOST:PORT";
            return Err(invalid(&expected));
        }
    })
}

impl ClientTlsArgs {
    /// Sets up TLS if the address asks for it; otherwise no flag of TLS may be given.
    fn apply(&self, endpoint: Endpoint, address: &str) -> Result<Endpoint, Failure> {
        let Self { tls_ca, tls_cert, tls_key } = self;
        if !address.starts_with("https://") {
            let flags = [("tls-ca", tls_ca), ("tls-cert", tls_cert), ("tls-key", tls_key)];
            return match flags.iter().find(|(_, file)| file.is_some()) {
                Some((flag, _)) => Err(Failure::usage(format_args!(
                    "--{flag}: the connection to {address} is not encrypted: use https://HOST:PORT"
                ))),
                None => Ok(endpoint),
            };
        }
        let Some(ca) = tls_ca else {
            return Err(Failure::usage(format_args!(
                "--server: {address} requires --tls-ca, the authorities of its certificate in PEM"
            )));
        };
        let authorities = Certificate::from_pem(read("tls-ca", ca)?);
        let mut config = ClientTlsConfig::new().ca_certificate(authorities);
        if let (Some(cert), Some(key)) = (tls_cert, tls_key) {
            let (cert, key) = (read("tls-cert", cert)?, read("tls-key", key)?);
            config = config.identity(Identity::from_pem(cert, key));
        }
        endpoint.tls_config(config).map_err(|error| {
            let cause = root_cause(&error);
            Failure::run(format_args!("cannot use --tls-ca, --tls-cert or --tls-key: {cause}"))
        })
    }
}

fn read(flag: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::run(format_args!("--{flag}: cannot read {}: {error}", path.display()))
    })
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// A status in a sentence, or with one line for each of several violations.
impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let violations = status.get_details_bad_request().map(|details| details.field_violations);
        let text = match violations {
            Some(violations) if violations.len() > 1 => violations
                .iter()
                .map(|violation| format!("\n  {}: {}", violation.field, violation.description))
                .fold("the request is invalid:".to_owned(), |text, line| text + &line),
            _ => status.message().to_owned(),
        };
        if status.code() == Code::InvalidArgument { Self::Usage(text) } else { Self::Run(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for address in
            ["unix:///run/specd.sock", "tcp://127.0.0.1:1", "localhost:1", "[::1]:1", "https://a:1"]
        {
            assert!(endpoint(address).is_ok(), "{address}");
        }
        for address in ["/run/specd.sock", "unix:/run/specd.sock", "unix:///run/specd.sock"] {
            assert_eq!(uri(address), Ok("unix:///run/specd.sock".to_owned()));
        }
        for address in ["localhost", "http://x:1", "ftp://x", "", "unix:", "unix://"] {
            assert!(matches!(endpoint(address), Err(Failure::Usage(_))), "{address}");
        }
    }

    #[test]
    fn tls_is_used_if_the_address_asks_for_it_and_only_then() {
        let none = ClientTlsArgs::default();
        let with_ca = ClientTlsArgs { tls_ca: Some("/nonexistent".into()), ..none.clone() };
        for (address, tls, wanted) in [
            ("https://a:1", &none, "--tls-ca"),
            ("tcp://a:1", &with_ca, "https://HOST:PORT"),
            ("unix:///a", &with_ca, "https://HOST:PORT"),
            ("https://a:1", &with_ca, "cannot read /nonexistent"),
        ] {
            let error = tls.apply(endpoint(address).unwrap(), address).unwrap_err().to_string();
            assert!(error.contains(wanted), "{address}: {error}");
        }
    }
}
