//! The host of a golden directory: facts and devices out of `host.json`, CDI specifications out of `cdi` and `cdi-run`.

use crate::support::service::usual_facts;
use async_trait::async_trait;
use specd::domain::cdi_files::CdiFiles;
use specd::domain::host_facts::HostFacts;
use specd::generate::Machine;
use specd::host::cdi_directories::CdiDirectories;
use specd::host::source::CdiSource;
use specd::host::stated::{self, Stated};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Specifications of a golden directory, under the paths that a host has.
struct Cdi(PathBuf);

#[async_trait]
impl CdiSource for Cdi {
    async fn files(&self) -> CdiFiles {
        let shown = [("cdi", "/etc/cdi"), ("cdi-run", "/var/run/cdi")];
        let here = shown.map(|(name, _)| self.0.join(name));
        let mut files = CdiDirectories::new(here.to_vec()).read();
        let renamed = |path: &str| {
            let of = shown.iter().zip(&here);
            let mut of = of.filter_map(|((_, to), from)| {
                Some(format!("{to}{}", path.strip_prefix(from.to_str()?)?))
            });
            of.next_back().unwrap()
        };
        files.directories = shown.map(|(_, to)| to.to_owned()).to_vec();
        for file in &mut files.files {
            file.path = renamed(&file.path);
        }
        files
    }
}

/// The host of a golden directory: its facts, out of which its devices are taken, and the rest of the machine.
pub(crate) fn host(directory: &Path) -> (HostFacts, Machine) {
    let text = std::fs::read_to_string(directory.join("host.json"));
    let facts = stated::parse(text.as_deref().unwrap_or("{}"), usual_facts()).unwrap();
    let machine = Machine {
        devices: Arc::new(Stated::new(facts.devices.clone().unwrap_or_default())),
        cdi: Arc::new(Cdi(directory.to_owned())),
    };
    (facts, machine)
}
