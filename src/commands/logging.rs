//! The flags of the log.

use crate::commands::Failure;
use crate::telemetry::traces::Traces;
use crate::telemetry::{Format, LogQueue, Telemetry, TelemetryError, Verbosity};
use clap::Args;

/// How to log.
#[derive(Debug, Clone, Args)]
pub(super) struct LogArgs {
    /// What to log: error, warn, info, debug, trace, or a filter by module
    #[arg(long, value_name = "FILTER", env = "SPECD_LOG", default_value = "info")]
    log: String,
    /// The format of the log, which goes to standard error
    #[arg(long, value_name = "FORMAT", env = "SPECD_LOG_FORMAT", default_value = "text")]
    log_format: Format,
}

impl LogArgs {
    /// Sends the logs of this process to standard error, and its spans to the traces.
    pub(super) fn install(self, traces: Option<&Traces>) -> Result<Verbosity, Failure> {
        self.telemetry().install(traces).map_err(|error| refused(&error))
    }

    /// The same through a queue, which the returned value can wait for.
    pub(super) fn install_queue(
        self,
        traces: Option<&Traces>,
    ) -> Result<(Verbosity, LogQueue), Failure> {
        let queue = LogQueue::start(std::io::stderr()).map_err(Failure::run)?;
        let verbosity = self
            .telemetry()
            .install_queue(queue.clone(), traces)
            .map_err(|error| refused(&error))?;
        Ok((verbosity, queue))
    }

    fn telemetry(self) -> Telemetry {
        let Self { log: filter, log_format: format } = self;
        Telemetry { format, filter }
    }
}

fn refused(error: &TelemetryError) -> Failure {
    Failure::usage(format_args!("--log: {error}"))
}
