//! The flags of mounts.

use super::some;
use super::values::{boolean, bytes, fields};
use crate::api::pb::specd as pb;
use crate::commands::flag_values::switch;
use crate::paths::clean;
use clap::Args;

/// How mount events propagate, in the names of mount(8).
const PROPAGATIONS: [&str; 6] = ["rprivate", "private", "rshared", "shared", "rslave", "slave"];

/// The mounts of the container.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Mounts")]
pub(super) struct MountArgs {
    /// A directory or file of the host: HOST:CONTAINER, with the options ro, rro, rw, bind, rbind, and a propagation such as
    /// rshared; may be repeated
    #[arg(long, short = 'v', value_name = "PATH:PATH[:OPTIONS]", env = "SPECD_VOLUME", value_parser = volume)]
    volume: Vec<pb::Mount>,
    /// A mount: type=bind,source=PATH,target=PATH, with readonly, bind-propagation=rshared or bind-recursive=readonly; or
    /// type=tmpfs,target=PATH, with tmpfs-size=64m or tmpfs-mode=1777; may be repeated
    #[arg(long, value_name = "KEY=VALUE,...", env = "SPECD_MOUNT", value_parser = mount)]
    mount: Vec<Added>,
    /// A tmpfs, for example /tmp:size=64m,mode=1777,exec; may be repeated
    #[arg(long, value_name = "PATH[:OPTIONS]", env = "SPECD_TMPFS", value_parser = tmpfs)]
    tmpfs: Vec<pb::TmpfsMount>,
    /// The size of /dev/shm, for example 64m, in whole KiB
    #[arg(long, value_name = "BYTES", env = "SPECD_SHM_SIZE", value_parser = kibibytes)]
    shm_size: Option<u64>,
    /// Mount the host's resolv.conf and hosts file
    #[arg(long, env = "SPECD_VM_NETWORK", value_parser = switch())]
    vm_network: bool,
}

/// What `--mount` adds.
#[derive(Debug, Clone, PartialEq)]
enum Added {
    Bind(pb::Mount),
    Tmpfs(pb::TmpfsMount),
}

impl MountArgs {
    pub(super) fn options(self, writable_cgroupfs: bool) -> Option<pb::MountOptions> {
        let Self { volume: mut add, mount, mut tmpfs, shm_size: dev_shm_size_kb, vm_network } =
            self;
        for mount in mount {
            match mount {
                Added::Bind(mount) => add.push(mount),
                Added::Tmpfs(mount) => tmpfs.push(mount),
            }
        }
        some(pb::MountOptions {
            add,
            tmpfs,
            dev_shm_size_kb,
            vm_network,
            writable_cgroupfs,
            ..Default::default()
        })
    }
}

/// The source of a bind mount; one that begins with a dot is relative to the current directory.
fn source(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        return Ok(text.to_owned());
    }
    if !text.starts_with('.') {
        return Err(format!(
            "expected a path of the host, not the name of a volume: write a directory, for example /srv/{text}"
        ));
    }
    let path = std::path::absolute(text)
        .map_err(|error| format!("cannot read the current directory: {error}"))?;
    let path = path.to_str().ok_or("the current directory has a name that is not UTF-8")?;
    Ok(clean(path))
}

fn absolute(path: &str) -> Result<String, String> {
    if path.starts_with('/') {
        Ok(path.to_owned())
    } else {
        Err("expected an absolute path in the container".to_owned())
    }
}

/// The mount, with Docker's options before the given ones: recursive and private, unless they say otherwise.
fn bind(source: String, destination: String, given: &[&str]) -> pb::Mount {
    let has = |names: &[&str]| given.iter().any(|one| names.contains(one));
    let mut options = Vec::new();
    options.extend((!has(&["bind", "rbind"])).then_some("rbind"));
    options.extend(given);
    options.extend((!has(&PROPAGATIONS)).then_some("rprivate"));
    let options = options.into_iter().map(str::to_owned).collect();
    pb::Mount { destination, r#type: "bind".to_owned(), source, options, ..Default::default() }
}

/// Parses `/host:/container:ro,rshared`.
fn volume(text: &str) -> Result<pb::Mount, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (from, to, options) = match parts[..] {
        [from, to] if !from.is_empty() => (from, to, Vec::new()),
        [from, to, options] if !from.is_empty() => (from, to, options.split(',').collect()),
        [_] => {
            return Err(
                "expected HOST:CONTAINER: specd creates no volume without a name".to_owned()
            );
        }
        _ => {
            return Err(
                "expected HOST:CONTAINER[:OPTIONS], for example /srv/data:/data:ro".to_owned()
            );
        }
    };
    let groups = [&["ro", "rro", "rw"][..], &["bind", "rbind"], &PROPAGATIONS];
    for option in &options {
        if matches!(*option, "z" | "Z") {
            return Err(format!(
                "{option} changes the SELinux labels of files, which specd does not do: use chcon on the node"
            ));
        }
        let Some(group) = groups.iter().find(|group| group.contains(option)) else {
            return Err(format!(
                "unknown option {option:?}, expected {}",
                groups.concat().join(", ")
            ));
        };
        if options.iter().filter(|one| group.contains(one)).count() > 1 {
            return Err(format!("expected one of {}", group.join(", ")));
        }
    }
    Ok(bind(source(from)?, absolute(to)?, &options))
}

/// Parses `type=bind,source=/host,target=/container,readonly`. Docker: `opts.MountOpt`.
fn mount(text: &str) -> Result<Added, String> {
    const EXPECTED: &str = "expected type=bind,source=PATH,target=PATH or type=tmpfs,target=PATH";
    let (mut kind, mut from, mut to) = (None, None, None);
    let (mut readonly, mut recursive, mut propagation) = (false, None, None);
    let (mut size, mut mode) = (None, None);
    for field in fields(text)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_ascii_lowercase(), Some(value.to_owned())),
            None => (field.to_ascii_lowercase(), None),
        };
        let needed = || {
            value
                .clone()
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("{key} needs a value"))
        };
        match key.as_str() {
            "type" => kind = Some(needed()?.to_ascii_lowercase()),
            "source" | "src" => from = Some(needed()?),
            "target" | "dst" | "destination" => to = Some(absolute(&needed()?)?),
            "readonly" | "ro" => readonly = boolean(&key, value.as_deref())?,
            "bind-nonrecursive" => {
                recursive = boolean(&key, value.as_deref())?.then(|| "disabled".to_owned());
            }
            "bind-recursive" => recursive = Some(needed()?),
            "bind-propagation" => {
                let name = needed()?.to_ascii_lowercase();
                if !PROPAGATIONS.contains(&name.as_str()) {
                    return Err(format!(
                        "bind-propagation: expected one of {}",
                        PROPAGATIONS.join(", ")
                    ));
                }
                propagation = Some(name);
            }
            "tmpfs-size" => {
                let found = bytes(&needed()?).map_err(|error| format!("tmpfs-size: {error}"));
                size = Some(found?);
            }
            "tmpfs-mode" => {
                let found = octal(&needed()?);
                mode = Some(found.ok_or("tmpfs-mode: expected a mode in octal, for example 1777")?);
            }
            _ if key.starts_with("volume-") || key.starts_with("image-") => {
                return Err(format!(
                    "{key}: specd has no volumes and no images to mount; {EXPECTED}"
                ));
            }
            _ => return Err(format!("unknown option {field:?}; {EXPECTED}")),
        }
    }
    let to = to.ok_or_else(|| format!("target is missing; {EXPECTED}"))?;
    let for_bind = recursive.is_some() || propagation.is_some();
    match kind.as_deref() {
        Some("bind") if size.or(mode.map(u64::from)).is_some() => {
            Err("tmpfs-size and tmpfs-mode are for type=tmpfs".to_owned())
        }
        Some("bind") => {
            let from = from.ok_or_else(|| format!("source is missing; {EXPECTED}"))?;
            let mut options: Vec<&str> = Vec::new();
            let recursive = recursive.as_deref().unwrap_or("enabled");
            options.push(if recursive == "disabled" { "bind" } else { "rbind" });
            match (recursive, readonly) {
                ("readonly", true) => options.push("rro"),
                ("readonly" | "writable", false) => {
                    return Err(format!("bind-recursive={recursive} needs readonly"));
                }
                ("enabled" | "disabled" | "writable", true) => options.push("ro"),
                ("enabled" | "disabled", false) => {}
                _ => {
                    let text = "bind-recursive: expected enabled, disabled, writable or readonly";
                    return Err(text.to_owned());
                }
            }
            options.extend(propagation.as_deref());
            Ok(Added::Bind(bind(source(&from)?, to, &options)))
        }
        Some("tmpfs") if for_bind => {
            Err("bind-propagation and bind-recursive are for type=bind".to_owned())
        }
        Some("tmpfs") if from.is_some() => Err("type=tmpfs has no source".to_owned()),
        Some("tmpfs") => {
            let options = if readonly { vec!["ro".to_owned()] } else { Vec::new() };
            Ok(Added::Tmpfs(pb::TmpfsMount { destination: to, size_bytes: size, mode, options }))
        }
        None | Some("volume") => Err(format!("specd has no volumes: {EXPECTED}")),
        Some(other) => Err(format!("unknown type {other:?}: {EXPECTED}")),
    }
}

fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777 && !text.starts_with('+'))
}

/// Parses `/tmp:size=64m,mode=1777`; options other than these two are those of mount(8).
fn tmpfs(text: &str) -> Result<pb::TmpfsMount, String> {
    let (to, given) = text.split_once(':').unwrap_or((text, ""));
    let mut mount = pb::TmpfsMount { destination: absolute(to)?, ..Default::default() };
    for option in given.split(',').filter(|_| text.contains(':')) {
        match option.split_once('=') {
            // A share of the memory is the kernel's to compute.
            Some(("size", size)) if !size.ends_with('%') => {
                mount.size_bytes = Some(bytes(size).map_err(|error| format!("size: {error}"))?);
            }
            Some(("mode", mode)) => {
                mount.mode =
                    Some(octal(mode).ok_or("mode: expected a mode in octal, for example 1777")?);
            }
            _ if option.is_empty() => {
                return Err("expected options after the colon, for example size=64m".to_owned());
            }
            _ => mount.options.push(option.to_owned()),
        }
    }
    Ok(mount)
}

fn kibibytes(text: &str) -> Result<u64, &'static str> {
    let size = bytes(text)?;
    if size % 1024 == 0 { Ok(size / 1024) } else { Err("expected whole KiB, for example 64m") }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{options, refused};

    /// The source, the destination and the options of the only bind mount.
    fn bound(flags: &str) -> [String; 3] {
        let mut found = options(flags).mounts.unwrap().add;
        assert_eq!(found.len(), 1);
        let mount = found.remove(0);
        assert_eq!(mount.r#type, "bind");
        [mount.source, mount.destination, mount.options.join(",")]
    }

    #[test]
    fn a_volume_is_a_bind_mount() {
        for (text, want) in [
            ("/a:/b", ["/a", "/b", "rbind,rprivate"]),
            ("/a:/b:ro", ["/a", "/b", "rbind,ro,rprivate"]),
            ("/a:/b:ro,rshared", ["/a", "/b", "rbind,ro,rshared"]),
            ("/a:/b:rro", ["/a", "/b", "rbind,rro,rprivate"]),
            ("/a:/b:bind,rw", ["/a", "/b", "bind,rw,rprivate"]),
            ("/a:/b:slave", ["/a", "/b", "rbind,slave"]),
        ] {
            assert_eq!(bound(&format!("--volume {text}")), want, "{text}");
            assert_eq!(bound(&format!("-v {text}")), want, "{text}");
        }
        let here = std::env::current_dir().unwrap();
        assert_eq!(bound("-v ./a/../b:/b")[0], here.join("b").to_str().unwrap());
        for (text, words) in [
            ("/data", "specd creates no volume"),
            ("data:/data", "not the name of a volume: write a directory, for example /srv/data"),
            ("/a:b", "an absolute path in the container"),
            (":/b", "expected HOST:CONTAINER[:OPTIONS]"),
            ("/a:", "an absolute path in the container"),
            ("/a:/b:ro:x", "expected HOST:CONTAINER[:OPTIONS]"),
            ("/a:/b:", "unknown option \"\", expected ro, rro, rw, bind"),
            ("/a:/b:cached", "unknown option \"cached\""),
            ("/a:/b:nocopy", "unknown option \"nocopy\""),
            ("/a:/b:ro,rw", "expected one of ro, rro, rw"),
            ("/a:/b:rshared,private", "expected one of rprivate"),
            ("/a:/b:Z", "use chcon on the node"),
        ] {
            refused(&format!("--volume {text}"), words);
        }
        refused("--volume x", "'--volume <PATH:PATH[:OPTIONS]>'");
    }

    #[test]
    fn a_mount_is_a_list_of_keys() {
        for (text, want) in [
            ("type=bind,source=/a,target=/b", ["/a", "/b", "rbind,rprivate"]),
            ("type=bind,src=/a,dst=/b,readonly", ["/a", "/b", "rbind,ro,rprivate"]),
            ("TYPE=bind,source=/a,destination=/b,ro=true", ["/a", "/b", "rbind,ro,rprivate"]),
            ("type=bind,source=/a,target=/b,readonly=false", ["/a", "/b", "rbind,rprivate"]),
            (
                "type=bind,source=/a,target=/b,bind-propagation=rshared",
                ["/a", "/b", "rbind,rshared"],
            ),
            ("type=bind,source=/a,target=/b,bind-nonrecursive", ["/a", "/b", "bind,rprivate"]),
            (
                "type=bind,source=/a,target=/b,ro,bind-recursive=readonly",
                ["/a", "/b", "rbind,rro,rprivate"],
            ),
            (
                "type=bind,source=/a,target=/b,ro,bind-recursive=writable",
                ["/a", "/b", "rbind,ro,rprivate"],
            ),
            (
                "type=bind,source=/a,target=/b,ro,bind-recursive=disabled",
                ["/a", "/b", "bind,ro,rprivate"],
            ),
            (
                "type=bind,source=/a,target=/b,bind-recursive=enabled",
                ["/a", "/b", "rbind,rprivate"],
            ),
            ("type=bind,\"source=/a,b\",target=/b", ["/a,b", "/b", "rbind,rprivate"]),
        ] {
            assert_eq!(bound(&format!("--mount {text}")), want, "{text}");
        }
        for (text, words) in [
            ("", "unknown option \"\""),
            ("type=bind", "target is missing"),
            ("type=bind,target=/b", "source is missing"),
            ("source=/a,target=/b", "specd has no volumes: expected type=bind"),
            ("type=volume,source=a,target=/b", "specd has no volumes"),
            ("type=image,source=a,target=/b", "unknown type \"image\""),
            ("type=bind,source=a,target=/b", "not the name of a volume"),
            ("type=bind,source=/a,target=b", "an absolute path in the container"),
            ("type=bind,source=,target=/b", "source needs a value"),
            ("type=bind,source,target=/b", "source needs a value"),
            ("type=bind,source=/a,target=/b,readonly=x", "readonly: expected true or false"),
            ("type=bind,source=/a,target=/b,bind-propagation=x", "expected one of rprivate"),
            ("type=bind,source=/a,target=/b,bind-recursive=x", "expected enabled, disabled"),
            ("type=bind,source=/a,target=/b,bind-recursive=readonly", "needs readonly"),
            ("type=bind,source=/a,target=/b,tmpfs-size=1m", "are for type=tmpfs"),
            ("type=bind,source=/a,target=/b,volume-nocopy", "volume-nocopy: specd has no volumes"),
            ("type=bind,source=/a,target=/b,nonsense=1", "unknown option \"nonsense=1\""),
            ("type=tmpfs,target=/b,bind-propagation=shared", "are for type=bind"),
            ("type=tmpfs,source=/a,target=/b", "type=tmpfs has no source"),
            ("type=tmpfs,target=/b,tmpfs-size=1q", "tmpfs-size: expected a number of bytes"),
            ("type=tmpfs,target=/b,tmpfs-mode=8", "tmpfs-mode: expected a mode in octal"),
        ] {
            refused(&format!("--mount={text}"), words);
        }
        refused("--mount x", "'--mount <KEY=VALUE,...>'");
    }

    #[test]
    fn a_tmpfs_has_a_size_and_a_mode() {
        let one = |flags: &str| options(flags).mounts.unwrap().tmpfs.remove(0);
        let found = one("--tmpfs /tmp:size=64m,mode=1777");
        assert_eq!(
            (found.destination.as_str(), found.size_bytes, found.mode),
            ("/tmp", Some(64 << 20), Some(0o1777))
        );
        assert_eq!(found, one("--mount type=tmpfs,target=/tmp,tmpfs-size=64m,tmpfs-mode=1777"));
        assert_eq!(one("--tmpfs /tmp").options, Vec::<String>::new());
        assert_eq!(
            one("--tmpfs /tmp:size=50%,exec,ro,nr_inodes=1k").options,
            ["size=50%", "exec", "ro", "nr_inodes=1k"]
        );
        assert_eq!(one("--mount type=tmpfs,dst=/tmp,ro").options, ["ro"]);
        for (text, words) in [
            ("tmp", "an absolute path in the container"),
            ("/tmp:", "expected options after the colon"),
            ("/tmp:size=x", "size: expected a number of bytes"),
            ("/tmp:mode=9", "mode: expected a mode in octal"),
            ("/tmp:mode=17777", "mode: expected a mode in octal"),
            ("/tmp:size=1m,,ro", "expected options after the colon"),
        ] {
            refused(&format!("--tmpfs {text}"), words);
        }
    }

    #[test]
    fn the_size_of_shared_memory_is_in_whole_kibibytes() {
        assert_eq!(options("--shm-size 64m").mounts.unwrap().dev_shm_size_kb, Some(64 << 10));
        refused("--shm-size 1000", "'--shm-size <BYTES>': expected whole KiB");
    }
}
