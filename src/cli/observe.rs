//! The flags of `serve` that say where it tells what it does.

use clap::Args;

/// Where `serve` tells what it does, beside its log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Observability")]
pub struct ObserveArgs {
    /// Where to answer scrapes.
    #[arg(
        long,
        help = "Where to answer GET /metrics in plain HTTP, tcp://HOST:PORT or unix:///PATH [default: nowhere]",
        value_name = "ADDRESS",
        env = "SPECD_METRICS_LISTEN"
    )]
    pub metrics_listen: Option<String>,
    /// Where to send traces.
    #[arg(
        long,
        help = "Where to send traces in OTLP over gRPC, as http://127.0.0.1:4317 [default: nowhere]",
        value_name = "URL",
        env = "SPECD_OTLP_ENDPOINT"
    )]
    pub otlp_endpoint: Option<String>,
    /// Print every flag as it is in effect, as JSON, and exit
    #[arg(long, env = "SPECD_PRINT_CONFIG")]
    pub print_config: bool,
}
