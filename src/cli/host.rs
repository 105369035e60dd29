//! The flags about the machine that will run the container.

use crate::domain::cdi_files::DEFAULT_DIRECTORIES;
use clap::Args;
use std::path::PathBuf;

/// The machine that will run the container: this one, but for what is stated.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Host")]
pub struct HostArgs {
    /// Facts of the host, as `specd host-facts` printed them there; flags override them [default: as found here]
    #[arg(long, value_name = "FILE", env = "SPECD_HOST_FACTS")]
    pub host_facts: Option<PathBuf>,
    /// Processors of the host whose thermal throttle counters are masked, as 0-3 [default: as found here]
    #[arg(long, value_name = "LIST", env = "SPECD_THERMAL_THROTTLE_CPUS")]
    pub thermal_throttle_cpus: Option<String>,
    /// The kernel that seccomp policies are resolved for, as 6.1 [default: this machine's]
    #[arg(long, value_name = "VERSION", env = "SPECD_KERNEL")]
    pub kernel: Option<String>,
    /// The last capability that ALL stands for, by its number [default: 40, the last of Linux 5.9]
    #[arg(long, value_name = "NUMBER", env = "SPECD_LAST_CAPABILITY")]
    pub last_capability: Option<u8>,
    /// The directory that is the root of the host's devices: /host where the host's /dev is at /host/dev
    #[arg(long, value_name = "DIR", env = "SPECD_DEV_ROOT", default_value = "/")]
    pub dev_root: PathBuf,
    /// A directory of CDI specifications; may be given several times, and the later ones win
    #[arg(long, value_name = "DIR", env = "SPECD_CDI_SPEC_DIR", value_delimiter = ',', default_values = DEFAULT_DIRECTORIES)]
    pub cdi_spec_dir: Vec<PathBuf>,
}

/// Flags of `host-facts`.
#[derive(Debug, Clone, Args)]
pub struct HostFactsArgs {
    /// The directory that is the root of the host's devices: /host where the host's /dev is at /host/dev
    #[arg(long, value_name = "DIR", env = "SPECD_DEV_ROOT", default_value = "/")]
    pub dev_root: PathBuf,
}
