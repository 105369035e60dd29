//! `specd serve`.

use crate::app::profiles::Reload;
use crate::app::{App, AppError};
use crate::cli::{ServeArgs, effective};
use crate::commands::{Failure, block_on, install_logs, print};
use crate::config::Config;
use crate::server::activation::Activation;
use crate::server::shutdown::Shutdown;
use crate::telemetry::Verbosity;
use crate::telemetry::traces::Traces;
use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let config = Config::new(args).map_err(Failure::usage)?;
    if args.observe.print_config {
        let flags: Map<String, Value> = effective::of_this_process()
            .into_iter()
            .map(|(name, value)| (name, json(value)))
            .collect();
        return print(&serde_json::to_string_pretty(&flags).map_err(Failure::run)?);
    }
    // Before the runtime, for it starts threads.
    let activation = Activation::from_environment();
    block_on(async {
        let traces = config.otlp_endpoint.as_deref().map(Traces::to).transpose();
        let traces =
            traces.map_err(|error| Failure::usage(format_args!("--otlp-endpoint: {error}")))?;
        let verbosity = install_logs(&args.log, traces.as_ref())?;
        switch_on_signal(verbosity).map_err(Failure::run)?;
        let shutdown = Shutdown::on_signals().map_err(Failure::run)?;
        let app = App::bind_with(&config, activation).await.map_err(failure)?;
        reload_on_signal(app.profiles().clone()).map_err(Failure::run)?;
        let served = app.run_until(shutdown).await.map_err(failure);
        if let Some(traces) = traces {
            // It blocks, and the runtime has to go on meanwhile: it drives the connection.
            let _ = tokio::task::spawn_blocking(move || traces.finish()).await;
        }
        served
    })
}

/// SIGUSR1 switches between the log's own level and debug.
fn switch_on_signal(verbosity: Verbosity) -> std::io::Result<()> {
    let mut wishes = signal(SignalKind::user_defined1())?;
    tokio::spawn(async move {
        while wishes.recv().await.is_some() {
            let filter = verbosity.switch();
            tracing::warn!(filter, "SIGUSR1: the log has another filter");
        }
    });
    Ok(())
}

/// SIGHUP reads the profiles again.
fn reload_on_signal(profiles: Reload) -> std::io::Result<()> {
    let mut wishes = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while wishes.recv().await.is_some() {
            let profiles = profiles.clone();
            let _ = tokio::task::spawn_blocking(move || profiles.again()).await;
        }
    });
    Ok(())
}

fn json(value: effective::Value) -> Value {
    match value {
        effective::Value::Absent => Value::Null,
        effective::Value::Switch(on) => on.into(),
        effective::Value::One(text) => {
            text.parse::<u64>().map_or_else(|_| text.clone().into(), Value::from)
        }
        effective::Value::Many(texts) => texts.into(),
    }
}

/// Words that are wrong whatever the machine, and deeds that the machine refused.
fn failure(error: AppError) -> Failure {
    match error {
        AppError::Listen(refused) if refused.is_usage() => Failure::usage(refused),
        AppError::MetricsAddress(_) | AppError::Profiles(_) | AppError::Facts(_) => {
            Failure::usage(error)
        }
        AppError::Layout(_)
        | AppError::Listen(_)
        | AppError::Reflection(_)
        | AppError::Serve(_) => Failure::run(error),
    }
}
