//! The flags that change a spec or a process, and the options that they become: a file for each concern.
//!
//! Names and values are those of `docker run` where it has the flag. A value is parsed where clap parses it; only files
//! are read later.

mod devices;
mod files;
mod labels;
mod mounts;
mod namespaces;
mod process;
mod resources;
mod security;
mod values;

pub(super) use labels::LabelArgs;
pub(super) use process::ProcessOptionArgs;
pub(super) use resources::ResourceArgs;

use crate::api::pb::specd as pb;
use crate::commands::Failure;
use crate::commands::flag_values::{number, switch};
use clap::Args;
use devices::DeviceArgs;
use files::{OptionFileArgs, TurnedOff, read};
use mounts::MountArgs;
use namespaces::NamespaceArgs;
use pb::cgroup_options::Kind as CgroupKind;
use process::ulimit;
use security::{Security, SecurityArgs};
use values::pair;

/// Changes to the spec of a container.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Changes to the spec")]
pub(super) struct OptionArgs {
    /// The executable to run instead of the image's Entrypoint and Cmd; an empty one removes both
    #[arg(long, value_name = "PROGRAM", env = "SPECD_ENTRYPOINT")]
    entrypoint: Option<String>,
    #[command(flatten)]
    pub(super) process: ProcessOptionArgs,
    /// A limit of the process, for example nofile=1024:2048; -1 for no limit; may be repeated
    #[arg(long, value_name = "NAME=SOFT[:HARD]", env = "SPECD_ULIMIT", value_parser = ulimit)]
    ulimit: Vec<pb::Rlimit>,
    /// Run an init program as process 1, which starts the command, passes signals on to it and reaps what it leaves behind
    #[arg(long, value_name = "BOOL", env = "SPECD_INIT", value_parser = switch(), num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    init: Option<bool>,
    /// The program of --init on the host, linked statically
    #[arg(
        long,
        value_name = "PATH",
        env = "SPECD_INIT_BINARY",
        default_value = "/usr/bin/docker-init"
    )]
    init_binary: String,
    /// The control group above the container's: an absolute path, or the name of a slice of systemd
    #[arg(long, value_name = "PATH", env = "SPECD_CGROUP_PARENT")]
    cgroup_parent: Option<String>,
    /// How readily the process is killed when memory runs out, -1000 to 1000
    #[arg(long, value_name = "NUMBER", env = "SPECD_OOM_SCORE_ADJ", allow_negative_numbers = true, value_parser = number::<i32>("expected -1000 to 1000"))]
    oom_score_adj: Option<i32>,
    /// The host name
    #[arg(long, value_name = "NAME", env = "SPECD_HOSTNAME")]
    hostname: Option<String>,
    /// The NIS domain name
    #[arg(long, value_name = "NAME", env = "SPECD_DOMAINNAME")]
    domainname: Option<String>,
    /// Whether the root filesystem is read-only
    #[arg(long, value_name = "BOOL", env = "SPECD_READ_ONLY", value_parser = switch(), num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    read_only: Option<bool>,
    /// An annotation of the spec; may be repeated
    #[arg(long, value_name = "KEY=VALUE", env = "SPECD_ANNOTATION", value_parser = pair)]
    annotation: Vec<(String, String)>,
    #[command(flatten)]
    mounts: MountArgs,
    #[command(flatten)]
    namespaces: NamespaceArgs,
    #[command(flatten)]
    resources: ResourceArgs,
    #[command(flatten)]
    devices: DeviceArgs,
    #[command(flatten)]
    security: SecurityArgs,
    #[command(flatten)]
    files: OptionFileArgs,
}

impl OptionArgs {
    /// The options of the files and of the flags, which take precedence.
    pub(super) fn options(self, command: Vec<String>) -> Result<pb::SpecOptions, Failure> {
        let Self {
            entrypoint,
            process,
            ulimit: rlimits,
            init,
            init_binary,
            cgroup_parent,
            oom_score_adj,
            hostname,
            domainname,
            read_only: readonly,
            annotation,
            mounts,
            namespaces,
            resources,
            devices,
            security,
            files,
        } = self;
        let entrypoint = entrypoint.map(|program| {
            let values = if program.is_empty() { Vec::new() } else { vec![program] };
            pb::StringList { values }
        });
        let (process, user) = process.options(command)?;
        let cgroup = cgroup_parent
            .map(|parent| pb::CgroupOptions { kind: Some(CgroupKind::Parent(parent)) });
        let (devices, cdi_devices) = devices.options();
        let Security { capabilities, security, privileged, writable_cgroupfs } =
            security.options()?;
        let turned_off = TurnedOff {
            init: init == Some(false),
            privileged: privileged == Some(false),
            writable_cgroupfs: writable_cgroupfs == Some(false),
        };
        let flags = pb::SpecOptions {
            process: some(pb::ProcessOptions { entrypoint, rlimits, oom_score_adj, ..process }),
            user,
            capabilities,
            root: some(pb::RootOptions { readonly, ..Default::default() }),
            mounts: mounts.options(writable_cgroupfs.unwrap_or_default()),
            hostname,
            domainname,
            namespaces: namespaces.options(),
            init: init.unwrap_or_default().then_some(pb::InitOptions { path: init_binary }),
            cgroup,
            resources: resources.options(),
            devices,
            security,
            annotations: annotation.into_iter().collect(),
            cdi_devices,
            ..Default::default()
        };
        files.overridden_by(&flags, &turned_off)
    }
}

/// A message that says something.
fn some<M: Default + PartialEq>(message: M) -> Option<M> {
    (message != M::default()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        options: OptionArgs,
    }

    /// The options that flags become, or what is wrong.
    pub(super) fn parse(flags: &[&str]) -> Result<pb::SpecOptions, String> {
        let flags = Flags::try_parse_from(["specd"].iter().chain(flags));
        let flags = flags.map_err(|error| error.to_string())?;
        flags.options.options(Vec::new()).map_err(|error| error.to_string())
    }

    /// The same for flags in one text, none of them with a space in its value.
    pub(super) fn options(flags: &str) -> pb::SpecOptions {
        let flags: Vec<&str> = flags.split_whitespace().collect();
        parse(&flags).unwrap_or_else(|error| panic!("{flags:?}: {error}"))
    }

    /// Checks that flags are refused with these words.
    pub(super) fn refused(flags: &str, words: &str) {
        let words_of_flags: Vec<&str> = flags.split_whitespace().collect();
        let error = parse(&words_of_flags).expect_err(flags);
        assert!(error.contains(words), "{flags}: {error}");
    }

    #[test]
    fn no_flag_changes_nothing() {
        assert_eq!(options(""), pb::SpecOptions::default());
    }

    #[test]
    fn flags_of_the_whole_spec_are_fields_of_it() {
        let found = options(
            "--hostname a --domainname b --read-only --annotation k=v=w --oom-score-adj -5",
        );
        assert_eq!(
            (found.hostname.as_deref(), found.domainname.as_deref()),
            (Some("a"), Some("b"))
        );
        assert_eq!(found.root.unwrap().readonly, Some(true));
        assert_eq!(found.annotations["k"], "v=w");
        assert_eq!(found.process.unwrap().oom_score_adj, Some(-5));
        assert_eq!(options("--read-only=false").root.unwrap().readonly, Some(false));
        let entrypoint = |flag: &str| options(flag).process.unwrap().entrypoint.unwrap().values;
        assert_eq!(entrypoint("--entrypoint /bin/sh"), ["/bin/sh"]);
        assert_eq!(entrypoint("--entrypoint="), Vec::<String>::new());
        refused("--annotation k", "'--annotation <KEY=VALUE>': expected KEY=VALUE");
        refused("--read-only=x", "'--read-only[=<BOOL>]'");
        refused("--oom-score-adj x", "expected -1000 to 1000");
    }

    #[test]
    fn an_init_program_is_one_of_the_host() {
        let path = |flags: &str| options(flags).init.map(|init| init.path);
        assert_eq!(path("--init").as_deref(), Some("/usr/bin/docker-init"));
        assert_eq!(
            path("--init --init-binary /usr/bin/tini-static").as_deref(),
            Some("/usr/bin/tini-static")
        );
        assert_eq!((path("--init=false"), path("--init-binary /x")), (None, None));
        let parent = options("--cgroup-parent system.slice").cgroup.unwrap().kind;
        assert_eq!(parent, Some(CgroupKind::Parent("system.slice".to_owned())));
    }

    #[test]
    fn an_unknown_flag_says_the_nearest() {
        refused("--hostnam a", "a similar argument exists: '--hostname'");
        refused("--volumes a", "a similar argument exists: '--volume'");
    }
}
