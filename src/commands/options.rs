//! The flags that change a spec or a process, and the options that they become.

use crate::api::pb::specd as pb;
use crate::commands::Failure;
use crate::commands::option_files::OptionFileArgs;
use clap::Args;

/// Changes to the process of a container or of an exec.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ProcessOptionArgs {
    /// Set an environment variable with KEY=VALUE, or remove it with KEY; may be repeated
    #[arg(long, value_name = "KEY[=VALUE]", env = "SPECD_ENV")]
    pub(super) env: Vec<String>,
    /// The working directory
    #[arg(long, value_name = "PATH", env = "SPECD_CWD")]
    cwd: Option<String>,
    /// The user: USER, UID, USER:GROUP, UID:GID, UID:GROUP or USER:GID
    #[arg(long, value_name = "USER", env = "SPECD_USER")]
    user: Option<String>,
    /// A group to add, by name or GID; may be repeated
    #[arg(long, value_name = "GROUP", env = "SPECD_GROUP")]
    group: Vec<String>,
    /// Attach a terminal
    #[arg(long, env = "SPECD_TERMINAL")]
    terminal: bool,
}

impl ProcessOptionArgs {
    /// The options of the process and of its user.
    pub(super) fn options(self, command: Vec<String>) -> (pb::ProcessOptions, pb::UserOptions) {
        let Self { env, cwd, user, group: additional_groups, terminal } = self;
        let command = (!command.is_empty()).then_some(pb::StringList { values: command });
        let terminal = terminal.then_some(true);
        let process = pb::ProcessOptions { command, env, cwd, terminal, ..Default::default() };
        (process, pb::UserOptions { user, additional_groups, ..Default::default() })
    }
}

/// Changes to the spec of a container.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Changes to the spec")]
pub(super) struct OptionArgs {
    /// The executable to run instead of the image's Entrypoint and Cmd
    #[arg(long, value_name = "PROGRAM", env = "SPECD_ENTRYPOINT")]
    entrypoint: Option<String>,
    #[command(flatten)]
    pub(super) process: ProcessOptionArgs,
    /// The host name
    #[arg(long, value_name = "NAME", env = "SPECD_HOSTNAME")]
    hostname: Option<String>,
    /// Whether the root filesystem is read-only
    #[arg(long, value_name = "BOOL", env = "SPECD_READ_ONLY", num_args = 0..=1, default_missing_value = "true")]
    read_only: Option<bool>,
    /// A device of the host, or a directory of devices; may be repeated
    #[arg(long, value_name = "PATH[:PATH[:rwm]]", env = "SPECD_DEVICE")]
    device: Vec<String>,
    /// A CDI device by its fully qualified name; may be repeated
    #[arg(long, value_name = "VENDOR/CLASS=NAME", env = "SPECD_CDI_DEVICE")]
    cdi_device: Vec<String>,
    /// Mount the host's resolv.conf and hosts file
    #[arg(long, env = "SPECD_VM_NETWORK")]
    vm_network: bool,
    #[command(flatten)]
    files: OptionFileArgs,
}

impl OptionArgs {
    /// The options of the files and of the flags, which take precedence.
    pub(super) fn options(self, command: Vec<String>) -> Result<pb::SpecOptions, Failure> {
        let Self {
            entrypoint,
            process,
            hostname,
            read_only,
            device,
            cdi_device: cdi_devices,
            vm_network,
            files,
        } = self;
        let entrypoint = entrypoint.map(|program| pb::StringList { values: vec![program] });
        let (process, user) = process.options(command);
        let devices = (!device.is_empty()).then(|| pb::DeviceOptions {
            host: device.iter().map(|text| host_device(text)).collect(),
            ..Default::default()
        });
        let root = read_only
            .map(|readonly| pb::RootOptions { readonly: Some(readonly), ..Default::default() });
        let mounts = vm_network.then(|| pb::MountOptions { vm_network, ..Default::default() });
        files.overridden_by(&pb::SpecOptions {
            process: Some(pb::ProcessOptions { entrypoint, ..process }),
            user: Some(user),
            root,
            mounts,
            hostname,
            devices,
            cdi_devices,
            ..Default::default()
        })
    }
}

/// A device from `PATH`, `PATH:PATH` or `PATH:PATH:rwm`; the service checks the parts.
fn host_device(text: &str) -> pb::HostDevice {
    let mut parts = text.splitn(3, ':').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    let (path, container_path, permissions) = (next(), next(), next());
    pb::HostDevice { path, container_path, permissions, follow_symlinks: false }
}
