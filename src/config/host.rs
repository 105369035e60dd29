//! The machine that will run the container.

use crate::cli::host::HostArgs;
use crate::config::{ConfigError, wrong};
use crate::domain::host_facts::{parse_cpus, parse_kernel};
use std::path::PathBuf;

/// The highest number that a capability can have.
const LAST_CAPABILITY: u8 = 63;

/// What is stated of the machine, and where the rest is found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostConfig {
    /// The file that states facts.
    pub facts: Option<PathBuf>,
    /// The processors with thermal throttle counters.
    pub thermal_throttle_cpus: Option<Vec<u32>>,
    /// The kernel.
    pub kernel: Option<(u32, u32)>,
    /// The last capability.
    pub last_capability: Option<u8>,
    /// The root of its devices.
    pub dev_root: PathBuf,
    /// The directories of CDI specifications.
    pub cdi_spec_dirs: Vec<PathBuf>,
}

impl HostConfig {
    /// Checks the flags about the host.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for the first flag that is out of range.
    pub fn new(args: &HostArgs) -> Result<Self, ConfigError> {
        let cpus = args.thermal_throttle_cpus.as_deref().map(parse_cpus).transpose();
        let kernel = args.kernel.as_deref().map(parse_kernel).transpose();
        if args.last_capability.is_some_and(|last| last > LAST_CAPABILITY) {
            return Err(wrong("last-capability", format!("must be 0 to {LAST_CAPABILITY}")));
        }
        if !args.dev_root.is_absolute() {
            return Err(wrong("dev-root", "must be an absolute path"));
        }
        if args.cdi_spec_dir.iter().any(|directory| !directory.is_absolute()) {
            return Err(wrong("cdi-spec-dir", "must be an absolute path"));
        }
        Ok(Self {
            facts: args.host_facts.clone(),
            thermal_throttle_cpus: cpus.map_err(|reason| wrong("thermal-throttle-cpus", reason))?,
            kernel: kernel.map_err(|reason| wrong("kernel", reason))?,
            last_capability: args.last_capability,
            dev_root: args.dev_root.clone(),
            cdi_spec_dirs: args.cdi_spec_dir.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_absolute_and_numbers_in_range() {
        let good = HostArgs {
            host_facts: None,
            thermal_throttle_cpus: Some("0-1".to_owned()),
            kernel: Some("6.1".to_owned()),
            last_capability: Some(37),
            dev_root: "/host".into(),
            cdi_spec_dir: vec!["/etc/cdi".into()],
        };
        let config = HostConfig::new(&good).unwrap();
        assert_eq!((config.kernel, config.last_capability), (Some((6, 1)), Some(37)));
        let flag = |args| HostConfig::new(&args).unwrap_err().flag;
        assert_eq!(flag(HostArgs { dev_root: "host".into(), ..good.clone() }), "dev-root");
        let cdi_spec_dir = vec!["/a".into(), "b".into()];
        assert_eq!(flag(HostArgs { cdi_spec_dir, ..good.clone() }), "cdi-spec-dir");
        assert_eq!(flag(HostArgs { last_capability: Some(64), ..good.clone() }), "last-capability");
        assert_eq!(flag(HostArgs { kernel: Some("x".to_owned()), ..good }), "kernel");
    }
}
