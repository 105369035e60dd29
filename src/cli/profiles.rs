//! The flag that says where an operator's profiles are.

use clap::Args;
use std::path::PathBuf;

/// Where profiles come from, beside those that are built in.
#[derive(Debug, Clone, Default, Args)]
pub struct ProfileArgs {
    /// A directory of profiles (*.json) to offer beside the built-in ones
    #[arg(long, value_name = "DIR", env = "SPECD_PROFILES_DIR")]
    pub profiles_dir: Option<PathBuf>,
}
