//! The flags of the log.

use crate::commands::Failure;
use crate::telemetry::traces::Traces;
use crate::telemetry::{Format, Telemetry, Verbosity};
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
        let Self { log: filter, log_format: format } = self;
        let installed = Telemetry { format, filter }.install(traces);
        installed.map_err(|error| Failure::usage(format_args!("--log: {error}")))
    }
}
