//! `specd serve`: the flags of the server, and its signals.

mod health_port;
pub mod limits;
mod listen;
mod metrics;
mod print_config;
mod server;
mod spec_server;

pub use server::BoundServer;

use crate::commands::flag_values::{number, switch, timeout};
use crate::commands::logging::LogArgs;
use crate::commands::profile_files::{ProfileDirArgs, Reload};
use crate::commands::source::SourceArgs;
use crate::commands::{Failure, print_json};
use crate::domain::ids::{IdentifierError, Snapshotter};
use crate::domain::request::DEFAULT_PROFILE;
use crate::image::snapshot::key::DEFAULT_SNAPSHOTTER;
use crate::server::activation::Activation;
use crate::server::cores::Runtimes;
use crate::server::listen::{AddressError, ListenAddress};
use crate::server::notify;
use crate::server::shutdown::Shutdown;
use crate::server::trace::CallLog;
use crate::telemetry::traces::Traces;
use crate::telemetry::{LogQueue, Verbosity};
use clap::{Args, ValueEnum};
use limits::LimitArgs;
use listen::{ListenArgs, TlsArgs};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long the last lines of the log may take.
const LOG_WITHIN: Duration = Duration::from_millis(500);

/// Flags of `serve`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  specd serve --listen unix:///run/specd/specd.sock \
                        --containerd /run/containerd/containerd.sock")]
pub struct ServeArgs {
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    tls: TlsArgs,
    /// Refuse clients that send the path of a unix socket as :authority, instead of rewriting it
    #[arg(long, env = "SPECD_NO_AUTHORITY_FILTER", value_parser = switch())]
    no_authority_filter: bool,
    /// Refuse `GenerateProcess`, which shows the environment of stored containers to every caller
    #[arg(long, env = "SPECD_NO_GENERATE_PROCESS", value_parser = switch())]
    no_generate_process: bool,
    /// Do not serve reflection, which lists the methods and messages of the API
    #[arg(long, env = "SPECD_NO_REFLECTION", value_parser = switch())]
    no_reflection: bool,
    /// Serve gRPC over HTTP/2 alone, without Connect, gRPC-Web and HTTP/1.1
    #[arg(long, env = "SPECD_NO_HTTP_JSON", value_parser = switch())]
    no_http_json: bool,
    /// The source of images.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The default snapshotter, for requests that name none
    #[arg(long, value_name = "NAME", env = "SPECD_SNAPSHOTTER", default_value = DEFAULT_SNAPSHOTTER, help_heading = "Snapshots", value_parser = snapshotter)]
    snapshotter: Snapshotter,
    /// The default profile, for requests that name none; node is that of the containerd release that runs here
    #[arg(long, value_name = "NAME", env = "SPECD_DEFAULT_PROFILE", default_value = DEFAULT_PROFILE)]
    default_profile: String,
    #[command(flatten)]
    profiles: ProfileDirArgs,
    /// The size of the image cache, in bytes
    #[arg(long, value_name = "BYTES", env = "SPECD_CACHE_BYTES", default_value_t = 64 << 20, value_parser = number::<u64>("expected a number of bytes, for example 67108864 for 64 MiB"))]
    cache_bytes: u64,
    /// The limits for clients.
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    observe: ObserveArgs,
    #[command(flatten, next_help_heading = "Logging")]
    log: LogArgs,
}

/// Parses `tcp://IP:PORT` or `unix:///PATH`; sockets that systemd passes are for `--listen`.
fn metrics_address(text: &str) -> Result<ListenAddress, String> {
    text.parse().map_err(|error: AddressError| {
        if error == AddressError::Scheme {
            return "expected tcp://IP:PORT or unix:///PATH, for example tcp://127.0.0.1:9464"
                .to_owned();
        }
        error.to_string()
    })
}

/// Where `serve` reports what it does, in addition to its log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Observability")]
struct ObserveArgs {
    #[arg(
        long,
        help = "Where to answer GET /metrics in plain HTTP: tcp://IP:PORT or unix:///PATH [default: nowhere]",
        value_name = "ADDRESS",
        env = "SPECD_METRICS_LISTEN",
        value_parser = metrics_address
    )]
    metrics_listen: Option<ListenAddress>,
    #[arg(
        long,
        help = "Where to send traces in OTLP over gRPC, for example http://127.0.0.1:4317; for TLS, use a local agent [default: OTEL_EXPORTER_OTLP_ENDPOINT, or nowhere]",
        value_name = "URL",
        env = "SPECD_OTLP_ENDPOINT",
        value_parser = otlp_endpoint
    )]
    otlp_endpoint: Option<String>,
    /// Which calls are logged at level info; all others are logged at debug
    #[arg(long, value_name = "CALLS", env = "SPECD_LOG_CALLS", default_value = "failed")]
    log_calls: LogCalls,
    /// How long a call may take before it is logged like a failed one
    #[arg(long, value_name = "DURATION", env = "SPECD_SLOW_CALL", default_value = "1s", value_parser = timeout)]
    slow_call: Duration,
    /// Print every flag with its value in effect as JSON, and exit
    #[arg(long, env = "SPECD_PRINT_CONFIG", value_parser = switch())]
    print_config: bool,
}

/// The calls that are logged at level info.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogCalls {
    /// Every call except health checks
    All,
    /// Failed and slow calls
    Failed,
    /// No call
    None,
}

impl ObserveArgs {
    /// The calls that are logged at level info.
    fn call_log(&self) -> CallLog {
        let failed = self.log_calls != LogCalls::None;
        CallLog { ok: self.log_calls == LogCalls::All, failed, slow: self.slow_call }
    }
}

fn snapshotter(text: &str) -> Result<Snapshotter, IdentifierError> {
    Snapshotter::parse(text)
}

fn otlp_endpoint(text: &str) -> Result<String, &'static str> {
    match text.strip_prefix("http://").map(|authority| authority.trim_end_matches('/')) {
        Some(authority) if !authority.is_empty() && !authority.contains(['/', ' ', '?', '#']) => {
            Ok(text.to_owned())
        }
        _ => Err(
            "expected http://HOST:PORT, for example http://127.0.0.1:4317 (for TLS, use a local agent)",
        ),
    }
}

/// The endpoint of the flag, or that of OpenTelemetry's own variables, of which `read` returns the values.
fn collector(
    flag: Option<String>,
    read: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, Failure> {
    let first = |kind: &str| {
        let names = ["TRACES_", ""].map(|signal| format!("OTEL_EXPORTER_OTLP_{signal}{kind}"));
        let values = names.into_iter().filter_map(|name| Some((read(&name)?, name)));
        values.into_iter().find(|(value, _)| !value.is_empty())
    };
    let Some((url, name)) = first("ENDPOINT").filter(|_| flag.is_none()) else { return Ok(flag) };
    if let Some((other, name)) = first("PROTOCOL").filter(|(protocol, _)| protocol != "grpc") {
        let text = "specd sends OTLP over gRPC only: set it to grpc, and the endpoint to the port for gRPC";
        return Err(Failure::usage(format_args!("{name}={other}: {text}")));
    }
    let url = otlp_endpoint(&url)
        .map_err(|error| Failure::usage(format_args!("{name}={url}: {error}")))?;
    Ok(Some(url))
}

pub(super) fn run(mut args: ServeArgs) -> Result<(), Failure> {
    if args.observe.print_config {
        return print_json(&print_config::flags(std::env::args_os()));
    }
    args.observe.otlp_endpoint =
        collector(args.observe.otlp_endpoint.take(), |name| std::env::var(name).ok())?;
    // Before the runtime, because it starts threads.
    let activation = Activation::from_environment();
    let runtimes = Runtimes::start().map_err(Failure::run)?;
    let cores = runtimes.cores();
    runtimes.run(async {
        let traces = args.observe.otlp_endpoint.as_deref().map(Traces::to).transpose();
        let traces =
            traces.map_err(|error| Failure::usage(format_args!("--otlp-endpoint: {error}")))?;
        let (verbosity, queue) = args.log.clone().install_queue(traces.as_ref())?;
        let _written = Written(queue);
        switch_on_signal(verbosity).map_err(Failure::run)?;
        let shutdown = Shutdown::on_signals().map_err(Failure::run)?;
        let server = BoundServer::bind(args, activation).await?.on(cores);
        reload_on_signal(server.profiles().clone()).map_err(Failure::run)?;
        let served = server.run_until(shutdown).await;
        if let Some(traces) = traces {
            // It blocks, and the runtime must go on meanwhile: it drives the connection.
            let _ = tokio::task::spawn_blocking(move || traces.finish()).await;
        }
        served.map_err(Failure::run)
    })
}

/// Waits for the last lines of the log when it is dropped, but not for a reader that has stopped.
struct Written(LogQueue);

impl Drop for Written {
    fn drop(&mut self) {
        self.0.finish(LOG_WITHIN);
    }
}

/// SIGUSR1 switches between the log's own level and debug.
fn switch_on_signal(verbosity: Verbosity) -> std::io::Result<()> {
    let mut signals = signal(SignalKind::user_defined1())?;
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            let filter = verbosity.switch();
            tracing::warn!(filter, "SIGUSR1: the log has another filter");
        }
    });
    Ok(())
}

/// SIGHUP reads the profiles again.
fn reload_on_signal(profiles: Reload) -> std::io::Result<()> {
    let mut signals = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            let profiles = profiles.clone();
            notify::reloading();
            let _ = tokio::task::spawn_blocking(move || profiles.reload()).await;
            notify::ready();
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_opentelemetry_name_a_collector() {
        let found = |flag: Option<&str>, variables: &[(&str, &str)]| {
            let read = |name: &str| {
                let full = |one: &&(&str, &str)| format!("OTEL_EXPORTER_OTLP_{}", one.0) == name;
                variables.iter().find(full).map(|(_, value)| (*value).to_owned())
            };
            collector(flag.map(str::to_owned), read).map_err(|error| error.to_string())
        };
        let (one, other) = (("ENDPOINT", "http://a:1"), ("TRACES_ENDPOINT", "http://b:2"));
        let http = ("PROTOCOL", "http/protobuf");
        for (flag, variables, want) in [
            (None, &[][..], None),
            (None, &[one], Some("http://a:1")),
            (None, &[one, other], Some("http://b:2")),
            (None, &[("ENDPOINT", "")], None),
            (None, &[one, ("PROTOCOL", "grpc")], Some("http://a:1")),
            (None, &[http], None),
            (Some("http://c:3"), &[one, http], Some("http://c:3")),
        ] {
            assert_eq!(found(flag, variables), Ok(want.map(str::to_owned)), "{variables:?}");
        }
        for (variables, words) in [
            (
                &[one, http][..],
                "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf: specd sends OTLP over gRPC only",
            ),
            (
                &[("ENDPOINT", "https://a")],
                "OTEL_EXPORTER_OTLP_ENDPOINT=https://a: expected http://HOST:PORT",
            ),
        ] {
            assert!(found(None, variables).unwrap_err().starts_with(words), "{variables:?}");
        }
    }

    #[test]
    fn traces_are_sent_to_a_plain_url() {
        for text in ["http://127.0.0.1:4317", "http://collector:4317/"] {
            assert_eq!(otlp_endpoint(text).as_deref(), Ok(text));
        }
        for text in ["", "127.0.0.1:4317", "https://collector:4317", "http://", "http://a/b"] {
            assert!(otlp_endpoint(text).unwrap_err().contains("http://HOST:PORT"), "{text}");
        }
    }
}
