//! Options of containerd's Go client, by name, and the options of this API that do the same.

use serde::Deserialize;
use serde_json::Value;
use specd::api::pb::specd as pb;

/// One option of `pkg/oci`, with its arguments.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Op {
    pub(crate) op: String,
    #[serde(default)]
    pub(crate) args: Value,
}

/// What `pkg/oci` takes for PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn strings(args: &Value) -> Vec<String> {
    Vec::deserialize(args).unwrap()
}

fn text(args: &Value) -> Option<String> {
    args.as_str().map(str::to_owned)
}

fn list(args: &Value) -> Option<pb::StringList> {
    Some(pb::StringList { values: strings(args) })
}

fn own(kind: pb::linux_namespace::Kind) -> Option<pb::LinuxNamespace> {
    Some(pb::LinuxNamespace { kind: Some(kind) })
}

fn bind(path: &str) -> pb::Mount {
    pb::Mount {
        destination: path.to_owned(),
        r#type: "bind".to_owned(),
        source: path.to_owned(),
        options: vec!["rbind".to_owned(), "ro".to_owned()],
        ..Default::default()
    }
}

fn mount(value: &Value) -> pb::Mount {
    let field = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    pb::Mount {
        destination: field("destination"),
        r#type: field("type"),
        source: field("source"),
        options: value.get("options").map(strings).unwrap_or_default(),
        ..Default::default()
    }
}

fn mappings(value: &Value) -> Vec<pb::IdMapping> {
    let number = |entry: &Value, name: &str| entry[name].as_u64().unwrap().try_into().unwrap();
    let list = value.as_array().unwrap().iter();
    list.map(|entry| pb::IdMapping {
        container_id: number(entry, "containerID"),
        host_id: number(entry, "hostID"),
        size: number(entry, "size"),
    })
    .collect()
}

fn throttles(value: &Value) -> Vec<pb::ThrottleDevice> {
    let list = value.as_array().into_iter().flatten();
    list.map(|entry| pb::ThrottleDevice {
        major: entry["major"].as_i64().unwrap(),
        minor: entry["minor"].as_i64().unwrap(),
        rate: entry["rate"].as_u64().unwrap(),
    })
    .collect()
}

/// The options that do what a list of Go's options does; nothing where no options do.
pub(crate) fn options(ops: &[Op]) -> Option<pb::SpecOptions> {
    let mut options = pb::SpecOptions::default();
    for (index, op) in ops.iter().enumerate() {
        let before_the_image = ops[index + 1..].iter().any(|op| op.op == "image");
        if op.op == "WithEnv" && before_the_image {
            // Nothing is there yet that could be unset.
            let sets = strings(&op.args).into_iter().filter(|entry| entry.contains('='));
            options.process.get_or_insert_default().env.extend(sets);
        } else {
            apply(&mut options, op)?;
        }
    }
    Some(options)
}

fn apply(options: &mut pb::SpecOptions, Op { op, args }: &Op) -> Option<()> {
    let process = options.process.get_or_insert_default();
    let user = options.user.get_or_insert_default();
    let capabilities = options.capabilities.get_or_insert_default();
    let mounts = options.mounts.get_or_insert_default();
    let namespaces = options.namespaces.get_or_insert_default();
    let devices = options.devices.get_or_insert_default();
    let security = options.security.get_or_insert_default();
    match op.as_str() {
        "image" | "WithNamespacedCgroup" => {}
        "imageArgs" if strings(args).is_empty() => {}
        "imageArgs" => process.command = list(args),
        "WithProcessArgs" => process.entrypoint = list(args),
        "WithEnv" => process.env.extend(strings(args)),
        "WithDefaultPathEnv" => process.env.push(format!("PATH={DEFAULT_PATH}")),
        "WithProcessCwd" => process.cwd = text(args),
        "WithTTY" => process.terminal = Some(true),
        "WithTTYSize" => {
            let number = |index: usize| args[index].as_u64().unwrap().try_into().unwrap();
            process.console_size = Some(pb::ConsoleSize { width: number(0), height: number(1) });
        }
        "WithRlimit" => process.rlimits.push(pb::Rlimit {
            r#type: text(&args["type"]).unwrap(),
            hard: args["hard"].as_u64().unwrap(),
            soft: args["soft"].as_u64().unwrap(),
        }),
        "WithUser" => (user.user, user.without_groups) = (text(args), true),
        "WithUsername" => (user.username, user.without_groups) = (text(args), true),
        "WithAdditionalGIDs" if user.user == text(args) => user.without_groups = false,
        "WithUIDGID" => {
            user.user = Some(format!("{}:{}", args[0], args[1]));
            user.without_groups = true;
        }
        "WithAppendAdditionalGroups" => user.additional_groups = strings(args),
        "WithUmask" => user.umask = Some(args.as_u64().unwrap().try_into().unwrap()),
        "WithCapabilities" => capabilities.set = list(args),
        "WithAddedCapabilities" => capabilities.add = strings(args),
        "WithDroppedCapabilities" => capabilities.drop = strings(args),
        "WithAmbientCapabilities" => capabilities.ambient = strings(args),
        "WithAllKnownCapabilities" => {
            capabilities.set = Some(pb::StringList { values: vec!["ALL".to_owned()] });
        }
        "WithHostname" => options.hostname = text(args),
        "WithDomainname" => options.domainname = text(args),
        "WithRootFSReadonly" => options.root.get_or_insert_default().readonly = Some(true),
        "WithRootFSPath" => options.root.get_or_insert_default().path = text(args),
        "WithMounts" => mounts.add.extend(args.as_array().unwrap().iter().map(mount)),
        "WithHostHostsFile" => mounts.add.push(bind("/etc/hosts")),
        "WithHostResolvconf" => mounts.add.push(bind("/etc/resolv.conf")),
        "WithHostLocaltime" => mounts.add.push(bind("/etc/localtime")),
        "WithoutMounts" => mounts.remove.extend(strings(args)),
        "WithoutRunMount" => mounts.remove.push("/run".to_owned()),
        "WithDevShmSize" => mounts.dev_shm_size_kb = args.as_u64(),
        "WithWriteableSysfs" => mounts.writable_sysfs = true,
        "WithWriteableCgroupfs" => mounts.writable_cgroupfs = true,
        "WithHostNamespace" => {
            let host = own(pb::linux_namespace::Kind::Host(pb::HostNamespace {}));
            *namespace(namespaces, args.as_str()?)? = host;
        }
        "WithLinuxNamespace" => {
            let of = match text(&args["path"]) {
                Some(path) => pb::linux_namespace::Kind::Path(path),
                None => pb::linux_namespace::Kind::Private(pb::PrivateNamespace {}),
            };
            *namespace(namespaces, args["type"].as_str()?)? = own(of);
        }
        "WithUserNamespace" => {
            namespaces.uid_mappings = mappings(&args["UID"]);
            namespaces.gid_mappings = mappings(&args["GID"]);
        }
        "WithCgroup" => options.cgroup = cgroup(args.as_str()?),
        "WithParentCgroupDevices" => devices.inherit_rules = true,
        "WithDefaultUnixDevices" => devices.allow_default = true,
        "WithAllDevicesAllowed" => devices.allow_all = true,
        "WithDevices" => {
            let field = |name: &str| args[name].as_str().unwrap_or_default().to_owned();
            devices.host.push(pb::HostDevice {
                path: field("Path"),
                container_path: field("ContainerPath"),
                permissions: field("Access"),
                follow_symlinks: false,
            });
        }
        "WithMaskedPaths" => security.masked_paths = list(args),
        "WithReadonlyPaths" => security.readonly_paths = list(args),
        "WithPrivileged" => security.privileged = pb::PrivilegedMode::Containerd.into(),
        "WithSelinuxLabel" => security.selinux_label = text(args),
        "WithApparmorProfile" => security.apparmor_profile = text(args),
        "WithNewPrivileges" => security.no_new_privileges = Some(false),
        "seccompDefault" => security.seccomp = seccomp(runtime_default()),
        "WithSeccompUnconfined" => {
            let of = pb::seccomp_options::Kind::Unconfined(pb::UnconfinedSeccomp {});
            security.seccomp = seccomp(of);
        }
        "WithAnnotations" => {
            let pairs = args.as_object()?.iter();
            options.annotations = pairs.map(|(key, v)| (key.clone(), text(v).unwrap())).collect();
        }
        _ => return resources(options.resources.get_or_insert_default(), op, args),
    }
    Some(())
}

fn seccomp(kind: pb::seccomp_options::Kind) -> Option<pb::SeccompOptions> {
    Some(pb::SeccompOptions { kind: Some(kind) })
}

fn runtime_default() -> pb::seccomp_options::Kind {
    pb::seccomp_options::Kind::RuntimeDefault(pb::RuntimeDefaultSeccomp::default())
}

fn namespace<'a>(
    options: &'a mut pb::NamespaceOptions,
    kind: &str,
) -> Option<&'a mut Option<pb::LinuxNamespace>> {
    match kind {
        "pid" => Some(&mut options.pid),
        "ipc" => Some(&mut options.ipc),
        "uts" => Some(&mut options.uts),
        "mount" => Some(&mut options.mount),
        "network" => Some(&mut options.network),
        "cgroup" => Some(&mut options.cgroup),
        "user" => Some(&mut options.user),
        "time" => Some(&mut options.time),
        _ => None,
    }
}

fn cgroup(path: &str) -> Option<pb::CgroupOptions> {
    let parts: Vec<&str> = path.split(':').collect();
    let kind = match parts[..] {
        [slice, prefix, name] => pb::cgroup_options::Kind::Systemd(pb::SystemdCgroup {
            slice: slice.to_owned(),
            prefix: prefix.to_owned(),
            name: name.to_owned(),
        }),
        _ => pb::cgroup_options::Kind::Path(path.to_owned()),
    };
    Some(pb::CgroupOptions { kind: Some(kind) })
}

fn resources(options: &mut pb::ResourceOptions, op: &str, args: &Value) -> Option<()> {
    match op {
        "WithMemoryLimit" => options.memory.get_or_insert_default().limit = args.as_i64(),
        "WithMemorySwap" => options.memory.get_or_insert_default().swap = args.as_i64(),
        "WithPidsLimit" => options.pids_limit = args.as_i64(),
        "WithCPUShares" => options.cpu.get_or_insert_default().shares = args.as_u64(),
        "WithCPUs" => options.cpu.get_or_insert_default().cpus = text(args),
        "WithCPUsMems" => options.cpu.get_or_insert_default().mems = text(args),
        "WithCPUBurst" => options.cpu.get_or_insert_default().burst = args.as_u64(),
        "WithCPUCFS" => {
            let cpu = options.cpu.get_or_insert_default();
            (cpu.quota, cpu.period) = (args["Quota"].as_i64(), args["Period"].as_u64());
        }
        "WithCPURT" => {
            let cpu = options.cpu.get_or_insert_default();
            cpu.realtime_runtime = args["Runtime"].as_i64();
            cpu.realtime_period = args["Period"].as_u64();
        }
        "WithRdt" => {
            let field = |name: &str| text(&args[name]).filter(|text| !text.is_empty());
            options.rdt = Some(pb::RdtResources {
                clos_id: field("ClosID"),
                l3_cache_schema: field("L3"),
                mem_bw_schema: field("MemBw"),
                ..Default::default()
            });
        }
        "WithBlockIO" => {
            let block = options.block_io.get_or_insert_default();
            block.weight = args["weight"].as_u64().map(|weight| weight.try_into().unwrap());
            block.throttle_read_bps_device = throttles(&args["throttleReadBpsDevice"]);
        }
        _ => return None,
    }
    Some(())
}
