//! What the options ask of the host: first as questions, then with what was found.

use crate::domain::host_device::{Found, Look, Lookup};
use crate::domain::request::{HostDevice, Options, Privileged};
use crate::spec::cdi::Plan;

/// The host's devices, all of them.
const ALL: &str = "/dev";

/// What has to be known of the host's devices: those that are named, and all where all are wanted.
#[must_use]
pub fn needed(options: &Options) -> Vec<Lookup> {
    let named = options.devices.host.iter().map(|device| {
        let look = if device.follow_symlinks { Look::Resolved } else { Look::Tree };
        Lookup::new(&device.path, look)
    });
    let all = wants_all(options).then(|| Lookup::new(ALL, Look::Tree));
    named.chain(all).collect()
}

/// Docker gives a privileged container every device of the host.
fn wants_all(options: &Options) -> bool {
    options.devices.all_host || options.security.privileged == Some(Privileged::Docker)
}

/// What was found on the host.
#[derive(Debug, Clone, Default)]
pub struct Equipment {
    /// The devices that were named, in their order.
    named: Vec<Found>,
    /// Every device, where they were asked for.
    all: Option<Found>,
    /// The edits of the CDI devices.
    pub cdi: Plan,
    /// The device nodes of those edits, in their order.
    pub cdi_nodes: Vec<Found>,
}

impl Equipment {
    /// The answers to what was [`needed`], one for one, and the edits of CDI devices with the answers to
    /// their [`Plan::lookups`].
    #[must_use]
    pub fn new(options: &Options, found: Vec<Found>, cdi: Plan, cdi_nodes: Vec<Found>) -> Self {
        let mut named = found;
        let all = if wants_all(options) { named.pop() } else { None };
        Self { named, all, cdi, cdi_nodes }
    }

    /// Each device that was named, and what was found.
    pub(crate) fn asked<'a>(
        &'a self,
        options: &'a Options,
    ) -> impl Iterator<Item = (&'a HostDevice, &'a Found)> {
        options.devices.host.iter().zip(&self.named)
    }

    /// What was found of all devices, where they were asked for.
    pub(crate) fn all(&self) -> Option<&Found> {
        self.all.as_ref()
    }
}
