//! Reads what the options need from the host.

use crate::domain::request::Options;
use crate::generate::Generator;
use crate::generate::stage::Stage;
use crate::host::source::{CdiSource, DeviceSource};
use crate::spec::{Equipment, cdi, equipment};
use std::sync::Arc;

/// The parts of the machine that options can use.
#[derive(Clone)]
pub struct Machine {
    /// Its devices.
    pub devices: Arc<dyn DeviceSource>,
    /// Its CDI specifications.
    pub cdi: Arc<dyn CdiSource>,
}

impl Default for Machine {
    fn default() -> Self {
        Self { devices: Arc::new(()), cdi: Arc::new(()) }
    }
}

impl Generator {
    /// The same generator with a machine. Without one, options find no devices.
    #[must_use]
    pub fn on(self, machine: Machine) -> Self {
        Self { machine, ..self }
    }

    /// The current devices and CDI specifications that the options need. If they need none, the host is not read.
    pub(super) async fn equip(&self, options: &Options) -> Option<Equipment> {
        let lookups = equipment::needed(options);
        if lookups.is_empty() && options.cdi_devices.is_empty() {
            return None;
        }
        let looking = async {
            let Machine { devices, cdi } = &self.machine;
            let found = devices.look(lookups).await;
            if options.cdi_devices.is_empty() {
                return Equipment::new(options, found, cdi::Plan::default(), Vec::new());
            }
            let plan = cdi::plan(&cdi.files().await, &options.cdi_devices);
            let nodes = devices.look(plan.lookups()).await;
            Equipment::new(options, found, plan, nodes)
        };
        Some(self.timed(Stage::Host, looking).await)
    }
}
