//! What a spec costs the pure core: assemble, check and encode, by profile and number of environment entries; and
//! what an explanation costs.
//!
//! `cargo bench --bench core`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench panics")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use specd::domain::host_facts::HostFacts;
use specd::domain::ids::{ContainerId, Namespace};
use specd::domain::origin::{Origin, UserOrigins};
use specd::domain::request::Options;
use specd::image::metadata::config::{ContainerConfig, ImageConfig};
use specd::image::platform::Platform;
use specd::spec::{Allowance, Equipment, Inputs, Profiles, explain, generate};
use specd::users::user::ProcessUser;
use std::hint::black_box;

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn options() -> Options {
    let mut options = Options::default();
    options.process.command = Some(words(&["serve", "--port", "8080"]));
    options.process.env = words(&["LANG=de", "DEBUG=1"]);
    options.process.cwd = Some("/srv".to_owned());
    options.capabilities.drop = words(&["CAP_MKNOD"]);
    options.annotations = [("a".to_owned(), "b".to_owned())].into();
    options
}

fn image(env: usize) -> ImageConfig {
    let mut entries = words(&["PATH=/usr/bin:/bin"]);
    entries.extend((1..env).map(|n| format!("VARIABLE_{n}=value-{n}")));
    let container = ContainerConfig {
        env: Some(entries),
        entrypoint: Some(words(&["/entrypoint.sh"])),
        cmd: Some(words(&["serve"])),
        working_dir: "/srv".to_owned(),
        ..ContainerConfig::default()
    };
    ImageConfig { container: Some(container), ..ImageConfig::default() }
}

fn core(criterion: &mut Criterion) {
    let profiles = Profiles::built_in("function").unwrap();
    let (namespace, id) = (Namespace::parse("ns").unwrap(), ContainerId::parse("c").unwrap());
    let options = options();
    let host = HostFacts { kernel: (6, 18), ..HostFacts::default() };
    let user = ProcessUser { uid: 1000, gid: 1000, additional_gids: vec![1000, 33] };
    let platform = Platform::new("linux", "amd64", "");
    let origins = || {
        let by = || Origin::option("user.user");
        UserOrigins { uid: by(), gid: by(), additional_gids: vec![by(), by()] }
    };
    for name in ["function", "containerd-2.4", "docker"] {
        let profile = profiles.get(Some(name)).unwrap();
        let mut group = criterion.benchmark_group(name);
        for env in [10, 100, 1000] {
            let image = image(env);
            let inputs = Inputs {
                equipment: &Equipment::default(),
                id: &id,
                host: &host,
                platform: &platform,
                seccomp: &profile.seccomp,
                rules: profile.rules,
                user_mounts: profile.user_mounts,
                image: Some(&image),
                options: &options,
                user: Some(&user),
                allowance: Allowance::UNLIMITED,
            };
            group.bench_function(BenchmarkId::new("generate", env), |bencher| {
                bencher
                    .iter(|| black_box(generate(profile, &namespace, &inputs, origins).unwrap()));
            });
            if env == 10 {
                group.bench_function(BenchmarkId::new("explain", env), |bencher| {
                    bencher.iter(|| {
                        black_box(explain(profile, &namespace, &inputs, origins).unwrap())
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, core);
criterion_main!(benches);
