//! The flags of capabilities and hardening.

use super::files::json_object;
use super::values::{boolean, pair};
use super::{read, some};
use crate::api::pb::specd as pb;
use crate::commands::Failure;
use crate::commands::flag_values::switch;
use clap::Args;
use pb::seccomp_options::Kind;

/// What the container may do.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Security")]
pub(super) struct SecurityArgs {
    #[arg(long, help = "A capability to add, for example NET_ADMIN, or ALL; may be repeated", value_name = "NAME", env = "SPECD_CAP_ADD", value_parser = capability)]
    cap_add: Vec<String>,
    /// A capability to remove, or ALL, which leaves those of --cap-add; may be repeated
    #[arg(long, value_name = "NAME", env = "SPECD_CAP_DROP", value_parser = capability)]
    cap_drop: Vec<String>,
    /// Make the container privileged, by Docker's definition
    #[arg(long, value_name = "BOOL", env = "SPECD_PRIVILEGED", value_parser = switch(), num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    privileged: Option<bool>,
    /// no-new-privileges, seccomp=FILE, seccomp=builtin, seccomp=unconfined, apparmor=PROFILE, label=disable,
    /// systempaths=unconfined or writable-cgroups; may be repeated
    #[arg(long, value_name = "OPTION", env = "SPECD_SECURITY_OPT", value_parser = security_option)]
    security_opt: Vec<SecurityOption>,
    /// A kernel parameter of the container's namespaces; may be repeated
    #[arg(long, value_name = "KEY=VALUE", env = "SPECD_SYSCTL", value_parser = pair)]
    sysctl: Vec<(String, String)>,
}

/// What `--security-opt` says.
#[derive(Debug, Clone, PartialEq)]
enum SecurityOption {
    NoNewPrivileges(bool),
    SeccompUnconfined,
    SeccompBuiltin,
    SeccompFile(String),
    AppArmor(String),
    LabelDisable,
    SystemPathsUnconfined,
    WritableCgroups(bool),
}

/// What the flags become.
pub(super) struct Security {
    pub(super) capabilities: Option<pb::CapabilityOptions>,
    pub(super) security: Option<pb::SecurityOptions>,
    /// What the flag says, also where it turns the option off.
    pub(super) privileged: Option<bool>,
    /// It is an option of mounts.
    pub(super) writable_cgroupfs: Option<bool>,
}

impl SecurityArgs {
    pub(super) fn options(self) -> Result<Security, Failure> {
        let Self { cap_add, cap_drop, privileged, security_opt, sysctl } = self;
        let mut security =
            pb::SecurityOptions { sysctl: sysctl.into_iter().collect(), ..Default::default() };
        if privileged == Some(true) {
            security.set_privileged(pb::PrivilegedMode::Docker);
        }
        let mut writable_cgroupfs = None;
        for option in security_opt {
            let seccomp = |kind| Some(pb::SeccompOptions { kind: Some(kind) });
            match option {
                SecurityOption::NoNewPrivileges(wanted) => {
                    security.no_new_privileges = Some(wanted);
                }
                SecurityOption::SeccompUnconfined => {
                    security.seccomp = seccomp(Kind::Unconfined(pb::UnconfinedSeccomp {}));
                }
                SecurityOption::SeccompBuiltin => {
                    let policy = "docker".to_owned();
                    security.seccomp =
                        seccomp(Kind::RuntimeDefault(pb::RuntimeDefaultSeccomp { policy }));
                }
                SecurityOption::SeccompFile(path) => {
                    let text = read("security-opt", &path)?;
                    let policy = json_object("security-opt", &path, text)?;
                    security.seccomp = seccomp(Kind::DockerPolicy(policy));
                }
                SecurityOption::AppArmor(profile) => security.apparmor_profile = Some(profile),
                SecurityOption::LabelDisable => {
                    security.selinux_label = Some(String::new());
                    security.mount_label = Some(String::new());
                }
                SecurityOption::SystemPathsUnconfined => {
                    security.masked_paths = Some(pb::StringList::default());
                    security.readonly_paths = Some(pb::StringList::default());
                }
                SecurityOption::WritableCgroups(wanted) => writable_cgroupfs = Some(wanted),
            }
        }
        let capabilities = some(capabilities(cap_add, cap_drop));
        Ok(Security { capabilities, security: some(security), privileged, writable_cgroupfs })
    }
}

/// The name of a capability in one form, so that names can be compared.
fn capability(text: &str) -> Result<String, &'static str> {
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    match bare {
        "" => Err("expected the name of a capability, for example NET_ADMIN"),
        "ALL" => Ok("ALL".to_owned()),
        _ => Ok(format!("CAP_{bare}")),
    }
}

/// Docker drops before it adds, and specd adds before it drops. Docker: `caps.TweakCapabilities`.
fn capabilities(add: Vec<String>, mut drop: Vec<String>) -> pb::CapabilityOptions {
    let is_all = |name: &String| name == "ALL";
    let (adds_all, drops_all) = (add.iter().any(is_all), drop.iter().any(is_all));
    drop.retain(|name| !is_all(name) && (adds_all || !add.contains(name)));
    if drops_all && !adds_all {
        let set = Some(pb::StringList { values: add });
        return pb::CapabilityOptions { set, drop, ..Default::default() };
    }
    pb::CapabilityOptions { add, drop, ..Default::default() }
}

/// Parses `KEY=VALUE`, or `KEY:VALUE` of old.
fn security_option(text: &str) -> Result<SecurityOption, String> {
    let (key, value) = text.split_once('=').or_else(|| text.split_once(':')).unwrap_or((text, ""));
    let boolean = || boolean(key, (key != text).then_some(value));
    Ok(match (key, value) {
        ("no-new-privileges", _) => SecurityOption::NoNewPrivileges(boolean()?),
        ("writable-cgroups", _) => SecurityOption::WritableCgroups(boolean()?),
        ("seccomp", "unconfined") => SecurityOption::SeccompUnconfined,
        ("seccomp", "builtin") => SecurityOption::SeccompBuiltin,
        ("seccomp", "") => return Err("seccomp: expected a file, builtin or unconfined".to_owned()),
        ("seccomp", file) => SecurityOption::SeccompFile(file.to_owned()),
        ("apparmor", "") => {
            return Err("apparmor: expected the name of a profile, or unconfined".to_owned());
        }
        ("apparmor", profile) => SecurityOption::AppArmor(profile.to_owned()),
        ("label", "disable") => SecurityOption::LabelDisable,
        ("label", _) => {
            let text = "label: expected disable; specd knows no SELinux policy that completes a part of a label: give all of it, \
                        with --options and {\"security\": {\"selinuxLabel\": \"USER:ROLE:TYPE:LEVEL\"}}";
            return Err(text.to_owned());
        }
        ("systempaths", "unconfined") => SecurityOption::SystemPathsUnconfined,
        ("systempaths", _) => return Err("systempaths: expected unconfined".to_owned()),
        _ => {
            let text = "expected no-new-privileges, seccomp=FILE, seccomp=builtin, seccomp=unconfined, apparmor=PROFILE, \
                        label=disable, systempaths=unconfined or writable-cgroups";
            return Err(text.to_owned());
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{options, parse, refused};
    use super::*;

    /// What is set, added and dropped.
    fn changed(flags: &str) -> (Option<String>, String, String) {
        let found = options(flags).capabilities.unwrap();
        (found.set.map(|list| list.values.join(" ")), found.add.join(" "), found.drop.join(" "))
    }

    #[test]
    fn capabilities_are_dropped_before_they_are_added() {
        let of = |set: Option<&str>, add: &str, drop: &str| {
            (set.map(str::to_owned), add.to_owned(), drop.to_owned())
        };
        for (flags, want) in [
            ("--cap-add net_admin", of(None, "CAP_NET_ADMIN", "")),
            ("--cap-add CAP_NET_ADMIN --cap-drop mknod", of(None, "CAP_NET_ADMIN", "CAP_MKNOD")),
            ("--cap-drop ALL", of(Some(""), "", "")),
            ("--cap-drop all --cap-add NET_RAW", of(Some("CAP_NET_RAW"), "", "")),
            ("--cap-add ALL --cap-drop SYS_ADMIN", of(None, "ALL", "CAP_SYS_ADMIN")),
            ("--cap-add ALL --cap-drop ALL", of(None, "ALL", "")),
            (
                "--cap-add MKNOD --cap-drop CAP_MKNOD --cap-drop KILL",
                of(None, "CAP_MKNOD", "CAP_KILL"),
            ),
            ("--cap-drop ALL --cap-drop NONSENSE", of(Some(""), "", "CAP_NONSENSE")),
        ] {
            assert_eq!(changed(flags), want, "{flags}");
        }
        refused("--cap-add=", "'--cap-add <NAME>'");
        refused("--cap-drop CAP_", "'--cap-drop <NAME>': expected the name of a capability");
    }

    #[test]
    fn privileged_is_dockers() {
        for (flags, want) in [
            ("--privileged", Some(pb::PrivilegedMode::Docker)),
            ("--privileged=true", Some(pb::PrivilegedMode::Docker)),
            ("--privileged=false", None),
        ] {
            assert_eq!(options(flags).security.map(|found| found.privileged()), want, "{flags}");
        }
    }

    #[test]
    fn security_options_are_those_of_docker() {
        let security = |flag: &str| options(&format!("--security-opt {flag}")).security.unwrap();
        for (flag, want) in [
            ("no-new-privileges", true),
            ("no-new-privileges=true", true),
            ("no-new-privileges:true", true),
            ("no-new-privileges=false", false),
        ] {
            assert_eq!(security(flag).no_new_privileges, Some(want), "{flag}");
        }
        for flag in ["seccomp=unconfined", "seccomp:unconfined"] {
            let kind = security(flag).seccomp.unwrap().kind;
            assert_eq!(kind, Some(Kind::Unconfined(pb::UnconfinedSeccomp {})));
        }
        let policy = "docker".to_owned();
        let builtin = Kind::RuntimeDefault(pb::RuntimeDefaultSeccomp { policy });
        assert_eq!(security("seccomp=builtin").seccomp.unwrap().kind, Some(builtin));
        assert_eq!(security("apparmor=mine").apparmor_profile.as_deref(), Some("mine"));
        assert_eq!(security("label=disable").selinux_label.as_deref(), Some(""));
        let paths = security("systempaths=unconfined");
        assert!(paths.masked_paths.is_some_and(|list| list.values.is_empty()));
        assert!(paths.readonly_paths.is_some_and(|list| list.values.is_empty()));
        assert!(options("--security-opt writable-cgroups=true").mounts.unwrap().writable_cgroupfs);
        for (flag, words) in [
            ("nonsense", "'--security-opt <OPTION>': expected no-new-privileges, seccomp=FILE"),
            ("nonsense=1", "expected no-new-privileges"),
            ("no-new-privileges=x", "no-new-privileges: expected true or false"),
            ("no-new-privileges=", "no-new-privileges: expected true or false"),
            ("seccomp", "seccomp: expected a file"),
            ("apparmor=", "apparmor: expected the name"),
            ("label=type:svirt_t", "selinuxLabel"),
            ("systempaths=x", "systempaths: expected unconfined"),
        ] {
            refused(&format!("--security-opt {flag}"), words);
        }
    }

    #[test]
    fn a_seccomp_policy_is_read_from_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "{}").unwrap();
        let flag = format!("seccomp={}", file.path().display());
        let found = parse(&["--security-opt", &flag]).unwrap().security.unwrap();
        assert_eq!(found.seccomp.unwrap().kind, Some(Kind::DockerPolicy("{}".to_owned())));
        let error = parse(&["--security-opt", "seccomp=/nowhere"]).unwrap_err();
        assert!(error.starts_with("--security-opt: cannot read /nowhere: "), "{error}");
    }

    #[test]
    fn kernel_parameters_are_pairs() {
        let found = options("--sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=65536");
        let sysctl = found.security.unwrap().sysctl;
        assert_eq!((sysctl.len(), sysctl["net.ipv4.ip_forward"].as_str()), (2, "1"));
        refused("--sysctl kernel.msgmax", "'--sysctl <KEY=VALUE>': expected KEY=VALUE");
    }
}
