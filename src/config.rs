//! From flags to a checked configuration. Opens nothing.

pub mod host;
pub mod limits;
pub mod listening;

use crate::cli::profiles::ProfileArgs;
use crate::cli::{ServeArgs, SnapshotArgs, SourceArgs};
use crate::config::host::HostConfig;
use crate::config::limits::Limits;
use crate::config::listening::ListenConfig;
use crate::domain::ids::Snapshotter;
use crate::domain::platform::Platform;
use std::path::{Component, PathBuf};
use std::time::Duration;

/// The least that reading a snapshot may be given.
const SHORTEST_READ: Duration = Duration::from_secs(1);

/// The most that reading a snapshot may be given: for twice as long a crash may leave a view behind.
const LONGEST_READ: Duration = Duration::from_secs(3600);

/// A flag whose value is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--{flag}: {reason}")]
pub struct ConfigError {
    /// The flag.
    pub flag: &'static str,
    /// What is wrong, and what would be right.
    pub reason: String,
}

fn wrong(flag: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError { flag, reason: reason.into() }
}

/// Where images come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// containerd, by its socket.
    Containerd(PathBuf),
    /// An OCI image layout directory.
    OciLayout(PathBuf),
}

/// A source, and the platform to take from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceConfig {
    /// Where images come from.
    pub source: Source,
    /// The platform of a request that names none.
    pub platform: Platform,
    /// The machine that will run the container.
    pub host: HostConfig,
    /// Whether and how snapshots are read; nothing where they are not looked at.
    pub snapshots: Option<SnapshotConfig>,
}

impl SourceConfig {
    /// Checks the flags of a source.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for the first flag that is out of range.
    pub fn new(args: &SourceArgs) -> Result<Self, ConfigError> {
        let source = match &args.oci_layout {
            Some(directory) => Source::OciLayout(directory.clone()),
            None => Source::Containerd(args.containerd.clone()),
        };
        let platform = match &args.platform {
            Some(text) => parse_platform(text)?,
            None => node_platform(),
        };
        let host = HostConfig::new(&args.host)?;
        Ok(Self { source, platform, host, snapshots: None })
    }

    /// The same source, and its snapshots beside it.
    #[must_use]
    pub fn with_snapshots(self, snapshots: SnapshotConfig) -> Self {
        Self { snapshots: Some(snapshots), ..self }
    }
}

/// Whether and how snapshots are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotConfig {
    /// The directory below which they may be read; nothing where none may.
    pub root: Option<PathBuf>,
    /// The snapshotter of a request that names none.
    pub snapshotter: Snapshotter,
    /// The longest that one may be read.
    pub timeout: Duration,
}

impl SnapshotConfig {
    /// Checks the flags about snapshots.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for the first flag that is out of range.
    pub fn new(args: &SnapshotArgs, snapshotter: &str) -> Result<Self, ConfigError> {
        let root = args.snapshot_root.clone();
        let detour = |part| !matches!(part, Component::RootDir | Component::Normal(_));
        if root.iter().any(|root| !root.is_absolute() || root.components().any(detour)) {
            return Err(wrong("snapshot-root", "must be an absolute path without .. in it"));
        }
        let snapshotter = Snapshotter::parse(snapshotter)
            .map_err(|error| wrong("snapshotter", format!("{snapshotter:?} {error}")))?;
        let timeout = Duration::from(args.snapshot_timeout);
        if !(SHORTEST_READ..=LONGEST_READ).contains(&timeout) {
            return Err(wrong("snapshot-timeout", "must be 1s to 1h"));
        }
        Ok(Self { root, snapshotter, timeout })
    }
}

/// Where profiles come from, and which is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileConfig {
    /// The directory of an operator's own.
    pub directory: Option<PathBuf>,
    /// The default's name.
    pub default: String,
}

impl ProfileConfig {
    /// The flags, and the name of the default.
    #[must_use]
    pub fn new(args: &ProfileArgs, default: &str) -> Self {
        Self { directory: args.profiles_dir.clone(), default: default.to_owned() }
    }
}

/// The configuration of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where images come from.
    pub source: SourceConfig,
    /// Where to listen.
    pub listening: ListenConfig,
    /// Whether an authority that is a unix socket's path is mended.
    pub mend_authority: bool,
    /// Where profiles come from, and which is the default.
    pub profiles: ProfileConfig,
    /// How much is remembered, in bytes.
    pub cache_bytes: u64,
    /// What clients may take at most.
    pub limits: Limits,
    /// Where metrics are asked for, as given, or nothing for nowhere.
    pub metrics_listen: Option<String>,
    /// Where traces are sent, or nothing for nowhere.
    pub otlp_endpoint: Option<String>,
}

impl Config {
    /// Checks the flags of `serve`.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for the first flag that is out of range.
    pub fn new(args: &ServeArgs) -> Result<Self, ConfigError> {
        let snapshots = SnapshotConfig::new(&args.snapshots, &args.snapshotter)?;
        Ok(Self {
            source: SourceConfig::new(&args.source)?.with_snapshots(snapshots),
            listening: ListenConfig::new(&args.listening, &args.tls)?,
            mend_authority: !args.no_authority_filter,
            profiles: ProfileConfig::new(&args.profiles, &args.default_profile),
            cache_bytes: args.cache_bytes,
            limits: Limits::new(&args.limits)?,
            metrics_listen: args.observe.metrics_listen.clone(),
            otlp_endpoint: otlp_endpoint(args.observe.otlp_endpoint.as_deref())?,
        })
    }
}

/// Checks where traces are sent.
fn otlp_endpoint(text: Option<&str>) -> Result<Option<String>, ConfigError> {
    let Some(text) = text else { return Ok(None) };
    let authority = text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    match authority {
        Some(rest) if !rest.is_empty() && !rest.contains(['/', ' ', '?', '#']) => {
            Ok(Some(text.to_owned()))
        }
        _ => Err(wrong(
            "otlp-endpoint",
            format!(
                "{text:?} is none, http://127.0.0.1:4317 is one; an agent on the node adds TLS"
            ),
        )),
    }
}

/// Reads `linux/ARCHITECTURE[/VARIANT]`.
fn parse_platform(text: &str) -> Result<Platform, ConfigError> {
    let parts: Vec<&str> = text.split('/').collect();
    match parts[..] {
        ["linux", architecture] if !architecture.is_empty() => {
            Ok(Platform::new("linux", architecture, ""))
        }
        ["linux", architecture, variant] if !architecture.is_empty() => {
            Ok(Platform::new("linux", architecture, variant))
        }
        _ => Err(wrong("platform", format!("{text:?} is none, linux/arm64/v8 is one"))),
    }
}

/// The platform that this program was built for, by Go's names.
fn node_platform() -> Platform {
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
    use crate::domain::snapshot::DEFAULT_SNAPSHOTTER;

    #[test]
    fn platforms_are_linux() {
        assert_eq!(parse_platform("linux/arm64/v8").unwrap().to_string(), "linux/arm64");
        assert_eq!(parse_platform("linux/arm").unwrap().to_string(), "linux/arm/v7");
        for text in ["", "linux", "linux/", "windows/amd64", "linux/arm/v7/x"] {
            assert!(
                parse_platform(text).unwrap_err().to_string().starts_with("--platform"),
                "{text}"
            );
        }
    }

    #[test]
    fn snapshots_are_read_below_a_directory_and_within_a_time() {
        let new = |root: Option<&str>, timeout: &str, snapshotter| {
            let snapshot_timeout = timeout.parse().unwrap();
            let args = SnapshotArgs { snapshot_root: root.map(PathBuf::from), snapshot_timeout };
            SnapshotConfig::new(&args, snapshotter).map_err(|error| error.flag)
        };
        assert_eq!(new(None, "60s", DEFAULT_SNAPSHOTTER).unwrap().root, None);
        assert!(new(Some("/var/lib/containerd"), "1s", "stargz").is_ok());
        for root in ["", "var", "./var", "/var/../etc"] {
            assert_eq!(new(Some(root), "60s", DEFAULT_SNAPSHOTTER), Err("snapshot-root"), "{root}");
        }
        assert_eq!(new(None, "999ms", DEFAULT_SNAPSHOTTER), Err("snapshot-timeout"));
        assert_eq!(new(None, "61m", DEFAULT_SNAPSHOTTER), Err("snapshot-timeout"));
        assert_eq!(new(None, "60s", ""), Err("snapshotter"));
    }

    #[test]
    fn traces_go_to_a_plain_url() {
        for text in ["http://127.0.0.1:4317", "http://collector:4317/"] {
            assert_eq!(otlp_endpoint(Some(text)).unwrap().as_deref(), Some(text));
        }
        for text in ["", "127.0.0.1:4317", "https://collector:4317", "http://", "http://a/b"] {
            let error = otlp_endpoint(Some(text)).unwrap_err().to_string();
            assert!(error.starts_with("--otlp-endpoint: "), "{error}");
        }
        assert_eq!(otlp_endpoint(None).unwrap(), None);
    }

    #[test]
    fn the_nodes_platform_is_in_normal_form() {
        let node = node_platform();
        assert_eq!(node, node.normalized());
    }
}
