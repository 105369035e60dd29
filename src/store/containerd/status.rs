//! Turns containerd's statuses into errors of the store.
//!
//! Invariant: every code is named here, and no status of containerd leaves this file.

use super::Silence;
use crate::store::{Deadline, StoreError};
use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Code, Status};

/// The longest quote of containerd's words in an error, in characters.
const QUOTED_CHARS: usize = 256;

/// One call: the socket, the method, and how long it may take.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) socket: Arc<Path>,
    pub(super) method: &'static str,
    pub(super) within: Duration,
    /// The deadline of the call for which it is made.
    pub(super) deadline: Deadline,
    /// Ends it while containerd is known not to answer.
    pub(super) silence: Option<Silence>,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// containerd does not have what was asked for.
    Absent,
    /// containerd gave no answer, or an invalid one.
    Store(StoreError),
}

impl Failure {
    /// The error of a call that asks for nothing that could be absent.
    pub(super) fn or_invalid(self, call: &Call) -> StoreError {
        match self {
            Self::Absent => call.invalid("not found"),
            Self::Store(error) => error,
        }
    }
}

impl Call {
    /// Waits for an answer, but not forever: a daemon that hangs still accepts calls.
    pub(super) async fn bounded<T>(
        &self,
        answer: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Failure> {
        let answered = tokio::select! {
            biased;
            () = self.silent() => {
                return Err(Failure::Store(self.unavailable("the last pings got no answer")));
            }
            answered = tokio::time::timeout(self.within, answer) => answered,
        };
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(status)) => Err(self.failure(&status)),
            Err(_) => {
                Err(Failure::Store(self.unavailable(format!("no answer within {:?}", self.within))))
            }
        }
    }

    /// Returns when containerd is known not to answer.
    async fn silent(&self) {
        if let Some(mut silence) = self.silence.clone()
            && silence.wait_for(|silent| *silent).await.is_ok()
        {
            return;
        }
        // Nobody knows.
        std::future::pending::<()>().await;
    }

    /// The error of an answer that containerd would not give.
    pub(super) fn invalid(&self, what: impl fmt::Display) -> StoreError {
        StoreError::Invalid(self.text(what))
    }

    fn unavailable(&self, what: impl fmt::Display) -> StoreError {
        StoreError::Unavailable(self.text(what))
    }

    fn text(&self, what: impl fmt::Display) -> String {
        format!("{}: {}: {what}", self.socket.display(), self.method)
    }

    pub(super) fn failure(&self, status: &Status) -> Failure {
        if let Some(broken) = broken_connection(status) {
            return Failure::Store(match broken {
                Broken::Socket(error) => error,
                Broken::Off(cause) => {
                    self.unavailable(format!("the connection broke off: {}", quoted(&cause)))
                }
            });
        }
        let said = || match status.message() {
            "" => status.code().to_string(),
            message => quoted(message),
        };
        match status.code() {
            Code::NotFound => Failure::Absent,
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Aborted
            | Code::ResourceExhausted => Failure::Store(self.unavailable(said())),
            Code::Unimplemented => {
                Failure::Store(self.invalid(format!("not a containerd: {}", said())))
            }
            Code::Ok
            | Code::Unknown
            | Code::InvalidArgument
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Internal
            | Code::DataLoss
            | Code::Unauthenticated => Failure::Store(self.invalid(said())),
        }
    }
}

/// The cause of a status that containerd did not send: tonic makes one when a connection ends.
enum Broken {
    /// There was no connection, for this reason.
    Socket(StoreError),
    /// There was a connection, and this ended it.
    Off(String),
}

fn broken_connection(status: &Status) -> Option<Broken> {
    // A status that came over the wire has no source.
    let mut cause = status.source()?;
    loop {
        if let Some(error) = cause.downcast_ref::<StoreError>() {
            return Some(Broken::Socket(error.clone()));
        }
        match cause.source() {
            Some(deeper) => cause = deeper,
            None => return Some(Broken::Off(cause.to_string())),
        }
    }
}

/// containerd's words, on one line and of bounded length.
fn quoted(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTED_CHARS).collect()
}
