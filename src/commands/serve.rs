//! `specd serve`.

use crate::app::{App, AppError};
use crate::cli::ServeArgs;
use crate::commands::{Failure, block_on, install_logs};
use crate::config::Config;
use crate::server::shutdown::Shutdown;

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let config = Config::new(args).map_err(Failure::usage)?;
    install_logs(&args.log)?;
    block_on(async {
        let shutdown = Shutdown::on_signals().map_err(Failure::run)?;
        let app = App::bind(&config).await.map_err(failure)?;
        app.run_until(shutdown).await.map_err(failure)
    })
}

/// Words that are wrong whatever the machine, and deeds that the machine refused.
fn failure(error: AppError) -> Failure {
    match error {
        AppError::Address(_) | AppError::MetricsAddress(_) => Failure::usage(error),
        AppError::Profile(_) => Failure::usage(format_args!("--default-profile: {error}")),
        AppError::Layout(_) | AppError::Bind(_) | AppError::Reflection(_) | AppError::Serve(_) => {
            Failure::run(error)
        }
    }
}
