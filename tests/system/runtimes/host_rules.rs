//! The rules on a host with what real runtimes say of their features: what is refused does not start, and what is not does.

use crate::runtimes::bundle::Bundle;
use crate::runtimes::cases::{base, time_namespace};
use crate::runtimes::runtime::{self, Runtime};
use crate::support::say::say;
use serde_json::{Value, json};
use specd::domain::host_facts::{HostFacts, RuntimeFeatures};
use specd::spec::{merge_patch, rules};
use std::process::Command;

/// What a runtime says of its features; nothing where it cannot.
fn features(runtime: &Runtime) -> Option<Vec<u8>> {
    let output = Command::new(&runtime.binary).arg("features").output().unwrap();
    output.status.success().then_some(output.stdout)
}

#[test]
fn a_time_namespace_starts_where_the_runtime_says_that_it_has_them() {
    let mut asked = 0;
    for runtime in runtime::all() {
        let Some(features) = features(runtime) else {
            say(&format!("SKIPPED: the features of {}: it does not print them", runtime.name));
            continue;
        };
        let features: RuntimeFeatures = serde_json::from_slice(&features).unwrap();
        assert!(features.namespaces().is_some() && features.mount_options.is_some());
        let host = HostFacts { runtime_features: Some(features), ..HostFacts::default() };
        for patch in [json!({}), time_namespace(&Value::Null)] {
            let mut spec = base();
            merge_patch::apply(&mut spec, patch);
            let ran = runtime.run(&Bundle::new(&spec));
            let spec = specd::oci::json::from_value(spec).unwrap();
            let broken = rules::find_broken(&spec, &host);
            let refused = broken.iter().filter(|one| one.rule.refuses);
            let broken: Vec<&str> = refused.map(|one| one.rule.name).collect();
            let want: &[&str] = if ran.started { &[] } else { &["runtime-namespace"] };
            assert_eq!(broken, want, "{}: {}", runtime.name, ran.output);
            asked += 1;
        }
    }
    assert!(asked > 0 || runtime::all().is_empty(), "no runtime prints its features");
}
