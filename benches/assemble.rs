//! Measures the time from the profile to the bytes of a spec, and the additional time for a journal.
//!
//! `cargo bench --bench assemble`. It has no threshold. Run it alternately at two commits to compare them: the
//! time without a journal is that of Generate.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench panics and prints"
)]

use specd::domain::host_facts::HostFacts;
use specd::domain::ids::{ContainerId, Namespace};
use specd::domain::image_config::{ContainerConfig, ImageConfig};
use specd::domain::origin::{Origin, UserOrigins};
use specd::domain::platform::Platform;
use specd::domain::request::Options;
use specd::domain::user::ProcessUser;
use specd::spec::{
    Equipment, Inputs, Profiles, assemble, assemble_explained, encode, encode_explained,
};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 41;
const SPECS: u32 = 200;

fn options() -> Options {
    let words = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut options = Options::default();
    options.process.command = Some(words(&["serve", "--port", "8080"]));
    options.process.env = words(&["LANG=de", "DEBUG=1", "PATH"]);
    options.process.cwd = Some("/srv".to_owned());
    options.capabilities.add = words(&["SYS_ADMIN"]);
    options.capabilities.drop = words(&["CAP_MKNOD"]);
    options.mounts.vm_network = true;
    options.annotations = [("a".to_owned(), "b".to_owned())].into();
    options
}

fn image() -> ImageConfig {
    let words = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let container = ContainerConfig {
        env: Some(words(&["PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME_OF=app"])),
        entrypoint: Some(words(&["/entrypoint.sh"])),
        cmd: Some(words(&["serve"])),
        working_dir: "/srv".to_owned(),
        ..ContainerConfig::default()
    };
    ImageConfig { container: Some(container), ..ImageConfig::default() }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn main() {
    let profiles = Profiles::built_in("function").unwrap();
    let (namespace, id) = (Namespace::parse("ns").unwrap(), ContainerId::parse("c").unwrap());
    let (image, options) = (image(), options());
    let host = HostFacts { kernel: (6, 18), ..HostFacts::default() };
    let user = ProcessUser { uid: 1000, gid: 1000, additional_gids: vec![1000, 33] };
    let platform = Platform::new("linux", "amd64", "");
    for name in ["function", "docker"] {
        let profile = profiles.get(Some(name)).unwrap();
        let inputs = Inputs {
            equipment: &Equipment::default(),
            id: &id,
            host: &host,
            platform: &platform,
            seccomp: &profile.seccomp,
            rules: profile.rules,
            image: Some(&image),
            options: &options,
            user: Some(&user),
        };
        let plain = || {
            let draft = assemble(profile, &namespace, &inputs).unwrap();
            drop(black_box(encode(draft, None, |_| Ok(Vec::new())).unwrap()));
        };
        let explained = || {
            let by = || Origin::option("user.user");
            let user = UserOrigins { uid: by(), gid: by(), additional_gids: vec![by(), by()] };
            let draft = assemble_explained(profile, &namespace, &inputs, user).unwrap();
            drop(black_box(encode_explained(draft, None, |_| Ok(Vec::new())).unwrap()));
        };
        let time = |work: &dyn Fn()| {
            let started = Instant::now();
            (0..SPECS).for_each(|_| work());
            started.elapsed().as_secs_f64() * 1e6 / f64::from(SPECS)
        };
        for (words, rounds, work) in [
            ("without a journal", ROUNDS, &plain as &dyn Fn()),
            ("with one", ROUNDS / 10, &explained),
        ] {
            time(work);
            let times: Vec<f64> = (0..rounds).map(|_| time(work)).collect();
            let best = times.iter().copied().fold(f64::INFINITY, f64::min);
            println!("{name}: {:.1} us a spec {words}, at best {best:.1}", median(times));
        }
    }
}
