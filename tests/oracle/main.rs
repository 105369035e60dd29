//! The oracle: random images, account files and options, compared byte for byte with the results of containerd's own
//! Go client.
//!
//! Each release of containerd has a small program in Go (`go/`). The script `build` builds it if it is
//! missing. A difference is either on the list in [`deliberate`], or the test fails and prints the
//! smallest case that shows it.
//!
//! The newest release is asked, and with `SPECD_ORACLE_RELEASES=all` the older ones, too. `SPECD_ORACLE_CASES` says how many cases a
//! release gets, `SPECD_ORACLE_SEED` where chance starts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod case;
mod config;
mod deliberate;
mod deliberate_devices;
mod docker;
mod equipment;
mod fields;
mod options;
mod parity;
mod program;
mod random_specs;
mod run;
mod runtime;
#[path = "../system/runtimes"]
#[allow(clippy::needless_pass_by_value, reason = "what is given is written where it is given")]
mod runtimes {
    pub(crate) mod adapted;
    pub(crate) mod bundle;
    pub(crate) mod cases;
    pub(crate) mod other_namespaces;
    pub(crate) mod runtime;
}
mod sandbox;
mod seccomp_policies;
#[path = "../support"]
mod support {
    pub(crate) mod control_group;
    pub(crate) mod go_json;
    pub(crate) mod go_options;
    pub(crate) mod layout;
    pub(crate) mod request_json;
    pub(crate) mod say;
    pub(crate) mod service;
    pub(crate) mod tasks;
}
mod tasks;
mod text;
mod values;
mod whole;

/// A release of containerd: the program that speaks for it, and the profile that should equal it.
pub(crate) struct Release {
    pub(crate) version: &'static str,
    pub(crate) profile: &'static str,
}

/// The newest release.
pub(crate) const NEWEST: &str = "2.4.2";

macro_rules! releases {
    ($($test:ident: $version:literal as $profile:literal),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                run::release(&Release { version: $version, profile: $profile });
            }
        )+
    };
}

releases! {
    containerd_1_6: "1.6.38" as "containerd-1.6",
    containerd_1_7: "1.7.36" as "containerd-1.7",
    containerd_2_0: "2.0.14" as "containerd-2.0",
    containerd_2_1: "2.1.9" as "containerd-2.1",
    containerd_2_2: "2.2.9" as "containerd-2.2",
    containerd_2_3: "2.3.7" as "containerd-2.3",
    containerd_2_4: "2.4.2" as "containerd-2.4",
}
