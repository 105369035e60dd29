//! A connection to a running server.

use crate::commands::Failure;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// How long a server may take to accept.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Connects to `unix:///PATH`, `tcp://HOST:PORT`, or `HOST:PORT`.
pub(crate) async fn connect(address: &str) -> Result<Channel, Failure> {
    let endpoint = endpoint(address)?.connect_timeout(CONNECT_WITHIN);
    endpoint.connect().await.map_err(|error| {
        let cause = root_cause(&error);
        Failure::run(format_args!("cannot reach the server at {address}: {cause}"))
    })
}

fn endpoint(address: &str) -> Result<Endpoint, Failure> {
    let uri = match address.split_once("://") {
        Some(("unix", _)) => address.to_owned(),
        Some(("tcp", rest)) => format!("http://{rest}"),
        None if address.contains(':') => format!("http://{address}"),
        _ => {
            let text = "write unix:///run/specd/specd.sock or tcp://127.0.0.1:50051";
            return Err(Failure::usage(format_args!(
                "--server: {address:?} is no address, {text}"
            )));
        }
    };
    Endpoint::from_shared(uri)
        .map_err(|error| Failure::usage(format_args!("--server: {address:?}: {error}")))
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
        for address in ["unix:///run/specd.sock", "tcp://127.0.0.1:1", "localhost:1", "[::1]:1"] {
            assert!(endpoint(address).is_ok(), "{address}");
        }
        for address in ["localhost", "ftp://x", ""] {
            assert!(matches!(endpoint(address), Err(Failure::Usage(_))), "{address}");
        }
    }
}
