//! What the options ask of the host: decided, looked at, and decided again.

use crate::domain::request::Options;
use crate::generate::Generator;
use crate::generate::stage::Stage;
use crate::host::source::{CdiSource, DeviceSource};
use crate::spec::{Equipment, cdi, equipment};
use std::sync::Arc;

/// The machine, as far as options can ask for what it has.
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
    /// The same, with options that may ask for what a machine has; without one it has nothing.
    #[must_use]
    pub fn on(self, machine: Machine) -> Self {
        Self { machine, ..self }
    }

    /// What the options ask for, as it is at this moment; the host is not looked at for those that ask for nothing.
    pub(super) async fn equip(&self, options: &Options) -> Equipment {
        let lookups = equipment::needed(options);
        if lookups.is_empty() && options.cdi_devices.is_empty() {
            return Equipment::default();
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
        self.timed(Stage::Host, looking).await
    }
}
