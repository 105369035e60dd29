//! `specd serve`.

use crate::app::{App, AppError};
use crate::cli::ServeArgs;
use crate::commands::{Failure, block_on, install_logs};
use crate::config::Config;
use crate::server::activation::Activation;
use crate::server::shutdown::Shutdown;

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let config = Config::new(args).map_err(Failure::usage)?;
    install_logs(&args.log)?;
    // Before the runtime, for it starts threads.
    let activation = Activation::from_environment();
    block_on(async {
        let shutdown = Shutdown::on_signals().map_err(Failure::run)?;
        let app = App::bind_with(&config, activation).await.map_err(failure)?;
        app.run_until(shutdown).await.map_err(failure)
    })
}

/// Words that are wrong whatever the machine, and deeds that the machine refused.
fn failure(error: AppError) -> Failure {
    match error {
        AppError::Listen(refused) if refused.is_usage() => Failure::usage(refused),
        AppError::Profile(_) => Failure::usage(format_args!("--default-profile: {error}")),
        AppError::Layout(_)
        | AppError::Listen(_)
        | AppError::Reflection(_)
        | AppError::Serve(_) => Failure::run(error),
    }
}
