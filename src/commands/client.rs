//! A connection to a running server.

use crate::cli::tls::ClientTlsArgs;
use crate::commands::Failure;
use std::path::Path;
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// How long a server may take to accept.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Connects to `unix:///PATH`, `tcp://HOST:PORT`, `https://HOST:PORT` or `HOST:PORT`.
pub(crate) async fn connect(address: &str, tls: &ClientTlsArgs) -> Result<Channel, Failure> {
    let endpoint = endpoint(address)?.connect_timeout(CONNECT_WITHIN);
    let endpoint = secured(endpoint, address, tls)?;
    endpoint.connect().await.map_err(|error| {
        let cause = root_cause(&error);
        Failure::run(format_args!("cannot reach the server at {address}: {cause}"))
    })
}

fn endpoint(address: &str) -> Result<Endpoint, Failure> {
    let uri = match address.split_once("://") {
        Some(("unix" | "https", _)) => address.to_owned(),
        Some(("tcp", rest)) => format!("http://{rest}"),
        None if address.contains(':') => format!("http://{address}"),
        _ => {
            let text =
                "write unix:///run/specd/specd.sock, tcp://127.0.0.1:50051 or https://HOST:PORT";
            return Err(Failure::usage(format_args!(
                "--server: {address:?} is no address, {text}"
            )));
        }
    };
    Endpoint::from_shared(uri)
        .map_err(|error| Failure::usage(format_args!("--server: {address:?}: {error}")))
}

/// An endpoint that speaks TLS where the address says so, and only there.
fn secured(endpoint: Endpoint, address: &str, tls: &ClientTlsArgs) -> Result<Endpoint, Failure> {
    if !address.starts_with("https://") {
        let flags =
            [("tls-ca", &tls.tls_ca), ("tls-cert", &tls.tls_cert), ("tls-key", &tls.tls_key)];
        return match flags.iter().find(|(_, file)| file.is_some()) {
            Some((flag, _)) => Err(Failure::usage(format_args!(
                "--{flag}: nothing is encrypted at {address}, write https://HOST:PORT"
            ))),
            None => Ok(endpoint),
        };
    }
    let Some(ca) = &tls.tls_ca else {
        let text = "needs --tls-ca, the authorities of its certificate in PEM";
        return Err(Failure::usage(format_args!("--server: {address} {text}")));
    };
    let authorities = Certificate::from_pem(read("tls-ca", ca)?);
    let mut config = ClientTlsConfig::new().ca_certificate(authorities);
    if let (Some(cert), Some(key)) = (&tls.tls_cert, &tls.tls_key) {
        config =
            config.identity(Identity::from_pem(read("tls-cert", cert)?, read("tls-key", key)?));
    }
    endpoint.tls_config(config).map_err(|error| {
        let cause = root_cause(&error);
        Failure::run(format_args!(
            "the files of --tls-ca, --tls-cert or --tls-key are none: {cause}"
        ))
    })
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

/// What a status says to a person: its sentence, or every violation on a line of its own.
pub(crate) fn failure(status: &Status) -> Failure {
    let violations = status.get_details_bad_request().map(|details| details.field_violations);
    let text = match violations {
        Some(violations) if violations.len() > 1 => violations
            .iter()
            .map(|violation| format!("\n  {}: {}", violation.field, violation.description))
            .fold("the request is refused:".to_owned(), |text, line| text + &line),
        _ => status.message().to_owned(),
    };
    if status.code() == Code::InvalidArgument { Failure::Usage(text) } else { Failure::Run(text) }
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
        for address in ["localhost", "http://x:1", "ftp://x", ""] {
            assert!(matches!(endpoint(address), Err(Failure::Usage(_))), "{address}");
        }
    }
    #[test]
    fn tls_is_spoken_where_the_address_says_so_and_nowhere_else() {
        let some = |file: &str| Some(file.into());
        let with_ca = ClientTlsArgs { tls_ca: some("/nonexistent"), ..ClientTlsArgs::default() };
        for (address, tls, wanted) in [
            ("https://a:1", &ClientTlsArgs::default(), "--tls-ca"),
            ("tcp://a:1", &with_ca, "https://HOST:PORT"),
            ("unix:///a", &with_ca, "https://HOST:PORT"),
            ("https://a:1", &with_ca, "cannot read /nonexistent"),
        ] {
            let error = secured(endpoint(address).unwrap(), address, tls).unwrap_err().to_string();
            assert!(error.contains(wanted), "{address}: {error}");
        }
    }
}
