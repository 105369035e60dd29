//! The flags about where images come from and which machine runs the containers, and the generator over them.

use crate::commands::Failure;
use crate::commands::flag_values::{absolute, duration, platform, socket, whole};
use crate::domain::cdi_files::DEFAULT_DIRECTORIES;
use crate::domain::host_facts::{
    CgroupVersion, HostFacts, parse_cgroup_version, parse_cpus, parse_kernel,
};
use crate::domain::ids::Snapshotter;
use crate::generate::catalog::Catalog;
use crate::generate::{Generator, Machine};
use crate::host;
use crate::host::cdi_directories::CdiDirectories;
use crate::host::dev::Dev;
use crate::host::source::DeviceSource;
use crate::host::stated::{self, FactsError, Stated};
use crate::image::cache::{CacheCounts, CachedReader};
use crate::image::platform::Platform;
use crate::image::snapshot::{SnapshotFallback, SnapshotFiles, SnapshotRules};
use crate::image::{ImageReader, StoreReader};
use crate::store::ImageStore;
use crate::store::containerd::{Containerd, Observer, Silence};
use crate::store::oci_layout::{LayoutError, OciLayout};
use crate::store::remembered::{REMEMBERED_FOR, Remembered};
use crate::store::shared::Shared;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use std::ops::RangeInclusive;
use std::path::{Component, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long reading a snapshot may take. A crash leaves the view of a snapshot behind for twice as long.
const SNAPSHOT_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(3600);

/// The highest number that a capability can have.
const MAX_CAPABILITY: u8 = 63;

/// clap takes a field of type `Vec` for a flag that may be repeated.
type Cpus = Vec<u32>;

/// containerd, and how its snapshots are read.
#[derive(Debug, Clone, Args)]
pub struct ContainerdArgs {
    /// The socket of containerd, as a path or with unix:// before it
    #[arg(
        long,
        value_name = "PATH",
        env = "SPECD_CONTAINERD",
        default_value = "/run/containerd/containerd.sock",
        value_parser = socket
    )]
    pub containerd: PathBuf,
    /// The directory of snapshots that may be read, for example /var/lib/containerd; without it none are read
    #[arg(long, value_name = "DIR", env = "SPECD_SNAPSHOT_ROOT", help_heading = "Snapshots", value_parser = PathBufValueParser::new().try_map(snapshot_root))]
    pub snapshot_root: Option<PathBuf>,
    /// The longest time that reading a snapshot may take, 1s to 1h; after a crash its view is kept for twice as long
    #[arg(long, value_name = "DURATION", env = "SPECD_SNAPSHOT_TIMEOUT", help_heading = "Snapshots", default_value = "60s", value_parser = snapshot_timeout)]
    pub snapshot_timeout: Duration,
}

/// Where images come from: containerd, or an OCI image layout.
#[derive(Debug, Clone, Args)]
pub struct SourceArgs {
    /// containerd.
    #[command(flatten)]
    pub containerd: ContainerdArgs,
    /// An OCI image layout instead of containerd: a directory, or a tar archive such as docker save writes
    #[arg(long, value_name = "PATH", env = "SPECD_OCI_LAYOUT", conflicts_with = "containerd")]
    pub oci_layout: Option<PathBuf>,
    /// The platform to choose from an image index, for example linux/arm64/v8 [default: the platform of this machine]
    #[arg(long, value_name = "PLATFORM", env = "SPECD_PLATFORM", value_parser = platform)]
    pub platform: Option<Platform>,
    /// The machine that runs the containers.
    #[command(flatten)]
    pub host: HostArgs,
}

/// The machine that runs the containers: this one, except for the facts that are given.
#[derive(Debug, Clone, Default, Args)]
pub struct HostArgs {
    /// A file with facts of the host, printed there by `specd host-facts`; flags override it [default: the facts of this machine]
    #[arg(long, help_heading = "Host", value_name = "FILE", env = "SPECD_HOST_FACTS")]
    pub host_facts: Option<PathBuf>,
    /// CPUs of the host for which thermal throttle counters are masked, for example 0-3 [default: the CPUs of this machine]
    #[arg(long, help_heading = "Host", value_name = "LIST", env = "SPECD_THERMAL_THROTTLE_CPUS", value_parser = parse_cpus)]
    pub thermal_throttle_cpus: Option<Cpus>,
    /// The kernel version for which seccomp policies are resolved, for example 6.1 [default: the kernel of this machine]
    #[arg(long, help_heading = "Host", value_name = "VERSION", env = "SPECD_KERNEL", value_parser = parse_kernel)]
    pub kernel: Option<(u32, u32)>,
    /// The number of the last capability that ALL includes [default: 40, the last of Linux 5.9]
    #[arg(long, help_heading = "Host", value_name = "NUMBER", env = "SPECD_LAST_CAPABILITY", value_parser = whole::<u8>(0..=MAX_CAPABILITY))]
    pub last_capability: Option<u8>,
    /// The version of the host's control groups, 1 or 2; 2 is for hosts without version 1 [default: the version of this machine]
    #[arg(long, help_heading = "Host", value_name = "VERSION", env = "SPECD_CGROUP_VERSION", value_parser = parse_cgroup_version)]
    pub cgroup_version: Option<CgroupVersion>,
    /// The AppArmor profiles that are loaded on the host, separated by commas; a request for another one is refused [default: any is allowed]
    #[arg(
        long,
        help_heading = "Host",
        value_name = "NAMES",
        env = "SPECD_APPARMOR_PROFILES",
        value_delimiter = ','
    )]
    pub apparmor_profiles: Vec<String>,
    /// A file with what `runc features` prints on the host; what the runtime lacks is refused [default: nothing is known to be lacking]
    #[arg(long, help_heading = "Host", value_name = "FILE", env = "SPECD_RUNTIME_FEATURES")]
    pub runtime_features: Option<PathBuf>,
    /// The directory of the host's devices.
    #[command(flatten)]
    pub devices: DevRootArgs,
    /// A directory of CDI specifications; may be repeated, later directories take precedence
    #[arg(long, help_heading = "Host", value_name = "DIR", env = "SPECD_CDI_SPEC_DIR", value_delimiter = ',', default_values = DEFAULT_DIRECTORIES, value_parser = PathBufValueParser::new().try_map(absolute))]
    pub cdi_spec_dir: Vec<PathBuf>,
}

/// The directory of the host's devices.
#[derive(Debug, Clone, Args)]
pub struct DevRootArgs {
    /// The root directory of the host's devices: /host if the host's /dev is mounted at /host/dev
    #[arg(long, help_heading = "Host", value_name = "DIR", env = "SPECD_DEV_ROOT", default_value = "/", value_parser = PathBufValueParser::new().try_map(absolute))]
    pub dev_root: PathBuf,
}

impl Default for DevRootArgs {
    fn default() -> Self {
        Self { dev_root: PathBuf::from("/") }
    }
}

fn snapshot_root(root: PathBuf) -> Result<PathBuf, &'static str> {
    let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    if root.is_absolute() && root.components().all(plain) {
        return Ok(root);
    }
    Err("must be an absolute path without ..")
}

fn snapshot_timeout(text: &str) -> Result<Duration, &'static str> {
    let timeout = duration(text)?;
    if SNAPSHOT_TIMEOUTS.contains(&timeout) { Ok(timeout) } else { Err("must be 1s to 1h") }
}

impl From<FactsError> for Failure {
    fn from(error: FactsError) -> Self {
        if error.is_unreadable { Self::run(error) } else { Self::usage(error) }
    }
}

/// The counters of an image reader's caches, with the names of the caches.
pub type CacheCountsByName = [(&'static str, Arc<CacheCounts>); 2];

impl SourceArgs {
    /// Opens the source of images. containerd is connected to when it is first needed.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] for a path that is not an OCI image layout.
    pub fn open(
        &self,
        observer: Arc<dyn Observer>,
        silence: &Silence,
    ) -> Result<Arc<dyn ImageStore>, LayoutError> {
        Ok(match &self.oci_layout {
            Some(directory) => Arc::new(Shared::new(OciLayout::open(directory)?)),
            None => {
                let containerd = Containerd::new(&self.containerd.containerd);
                let containerd = containerd.observed_by(observer).ending_in(silence.clone());
                Arc::new(Shared::new(containerd))
            }
        })
    }

    /// A generator over a source of images, and the counters of its caches, which hold `cache_bytes` at most.
    ///
    /// # Errors
    ///
    /// [`FactsError`] for a file of host facts that cannot be used.
    pub fn generator(
        &self,
        images: Arc<dyn ImageStore>,
        snapshotter: Snapshotter,
        profiles: impl Into<Catalog>,
        cache_bytes: u64,
        observer: Arc<dyn Observer>,
        silence: &Silence,
    ) -> Result<(Generator, CacheCountsByName), FactsError> {
        let Self { containerd, oci_layout, platform, host } = self;
        let ContainerdArgs { containerd: socket, snapshot_root: root, snapshot_timeout } =
            containerd;
        let platform = platform.clone().unwrap_or_else(this_platform);
        let (facts, machine) = host.machine()?;
        let layers = StoreReader::new(Arc::clone(&images));
        if oci_layout.is_some() {
            let (reader, counts) = cached(layers, cache_bytes);
            let generator = Generator::new(images, reader, profiles, platform, facts);
            return Ok((generator.with_snapshotter(snapshotter).on(machine), counts));
        }
        // Snapshots and containers have connections of their own, which are made when they are first needed.
        let timeout = *snapshot_timeout;
        let containerd = Containerd::new(socket).ending_in(silence.clone());
        let snapshots = Arc::new(containerd.with_lease(timeout * 2));
        let rules = SnapshotRules { root: root.clone(), snapshotter: snapshotter.clone(), timeout };
        let snapshots = Arc::new(SnapshotFiles::new(snapshots, rules));
        let containerd = Containerd::new(socket).ending_in(silence.clone());
        let containerd = containerd.observed_by(observer);
        let namespaces = Remembered::new(containerd.clone(), REMEMBERED_FOR);
        let containers = Arc::new(containerd);
        let reader = SnapshotFallback::new(layers, Arc::clone(&snapshots));
        let (reader, counts) = cached(reader, cache_bytes);
        let generator = Generator::new(images, reader, profiles, platform, facts).on(machine);
        let generator = generator.with_snapshotter(snapshotter);
        let release = Arc::clone(&containers);
        let generator = generator
            .with_containers(containers, Some(snapshots))
            .with_namespaces(Arc::new(namespaces))
            .with_release(release);
        Ok((generator, counts))
    }
}

/// The same reader with caches, and their counters.
fn cached(reader: impl ImageReader, cache_bytes: u64) -> (Arc<dyn ImageReader>, CacheCountsByName) {
    let cache = CachedReader::new(reader, cache_bytes);
    let counts = cache.counts();
    (Arc::new(cache), counts)
}

impl HostArgs {
    /// The host's facts, and where its devices are looked up. Flags override the file, and the file overrides
    /// what is found here.
    fn machine(&self) -> Result<(HostFacts, Machine), FactsError> {
        let Self {
            host_facts,
            thermal_throttle_cpus,
            kernel,
            last_capability,
            cgroup_version,
            apparmor_profiles,
            runtime_features,
            devices,
            cdi_spec_dir,
        } = self;
        let mut facts = host::read();
        if let Some(path) = host_facts {
            facts = stated::read(path, facts)?;
        }
        let loaded = (!apparmor_profiles.is_empty()).then(|| apparmor_profiles.clone());
        let features =
            runtime_features.as_deref().map(stated::read_runtime_features).transpose()?;
        let facts = HostFacts {
            thermal_throttle_cpus: thermal_throttle_cpus
                .clone()
                .unwrap_or(facts.thermal_throttle_cpus),
            kernel: kernel.unwrap_or(facts.kernel),
            last_capability: last_capability.or(facts.last_capability),
            cgroup_version: cgroup_version.or(facts.cgroup_version),
            apparmor_profiles: loaded.or(facts.apparmor_profiles),
            runtime_features: features.or(facts.runtime_features),
            devices: facts.devices,
        };
        let devices: Arc<dyn DeviceSource> = match &facts.devices {
            Some(stated) => Arc::new(Stated::new(stated.clone())),
            None => Arc::new(Dev::below(devices.dev_root.clone())),
        };
        let cdi = Arc::new(CdiDirectories::new(cdi_spec_dir.clone()));
        Ok((facts, Machine { devices, cdi }))
    }
}

/// The platform that this program was built for, by Go's names.
fn this_platform() -> Platform {
    let little = cfg!(target_endian = "little");
    let architecture = match std::env::consts::ARCH {
        "x86" => "386",
        "powerpc64" if little => "ppc64le",
        "powerpc64" => "ppc64",
        "loongarch64" => "loong64",
        "mips64" if little => "mips64le",
        other => other,
    };
    Platform::new("linux", architecture, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        source: SourceArgs,
    }

    fn parse(flags: &[&str]) -> Result<SourceArgs, String> {
        let words = ["specd"].iter().chain(flags);
        Flags::try_parse_from(words).map(|flags| flags.source).map_err(|error| error.to_string())
    }

    #[test]
    fn a_flag_that_is_out_of_range_is_named() {
        assert!(
            parse(&["--snapshot-root", "/var/lib/containerd", "--snapshot-timeout", "1s"]).is_ok()
        );
        for (flag, value) in [
            ("--snapshot-root", ""),
            ("--snapshot-root", "var"),
            ("--snapshot-root", "./var"),
            ("--snapshot-root", "/var/../etc"),
            ("--snapshot-timeout", "999ms"),
            ("--snapshot-timeout", "61m"),
            ("--dev-root", "host"),
            ("--cdi-spec-dir", "/a,b"),
            ("--last-capability", "64"),
            ("--kernel", "x"),
            ("--thermal-throttle-cpus", "x"),
            ("--cgroup-version", "3"),
            ("--platform", "windows/amd64"),
        ] {
            let error = parse(&[flag, value]).unwrap_err();
            assert!(error.contains(&format!("'{flag} <")), "{error}");
        }
    }

    #[test]
    fn images_come_from_one_source() {
        let error = parse(&["--oci-layout", "/a", "--containerd", "/b"]).unwrap_err();
        assert!(error.contains("cannot be used with"), "{error}");
        assert!(parse(&["--oci-layout", "/a"]).is_ok());
        let unix = parse(&["--containerd", "unix:///run/b.sock"]).unwrap();
        assert_eq!(unix.containerd.containerd, PathBuf::from("/run/b.sock"));
    }

    #[test]
    fn facts_of_the_host_are_read_from_flags() {
        let args =
            parse(&["--kernel", "6.1", "--last-capability", "37", "--dev-root", "/host"]).unwrap();
        let (facts, _) = args.host.machine().unwrap();
        assert_eq!((facts.kernel, facts.last_capability), ((6, 1), Some(37)));
        assert_eq!((facts.apparmor_profiles, facts.runtime_features), (None, None));
        assert_eq!(args.containerd.snapshot_root, None);
        let args = parse(&["--cgroup-version", "2", "--apparmor-profiles", "a,b"]).unwrap();
        let (facts, _) = args.host.machine().unwrap();
        assert_eq!(facts.cgroup_version, Some(CgroupVersion::V2));
        assert_eq!(facts.apparmor_profiles, Some(vec!["a".to_owned(), "b".to_owned()]));
        let args = parse(&["--runtime-features", "/nowhere"]).unwrap();
        let error = args.host.machine().map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("--runtime-features: /nowhere: "), "{error}");
    }

    #[test]
    fn the_platform_of_this_machine_is_in_normal_form() {
        let platform = this_platform();
        assert_eq!(platform.clone(), platform.normalized());
    }
}
