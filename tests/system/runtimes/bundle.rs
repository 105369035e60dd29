//! A bundle: a root filesystem with a busybox, and a config.json.

use super::adapted::is_bind;
use crate::support::control_group::ControlGroup;
use serde_json::Value;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Ends well, whatever it is asked.
const SCRIPT: &str = "#!/bin/busybox true\n";

/// A bundle in a directory that goes with it, and the control groups that are made for it.
pub(crate) struct Bundle {
    directory: TempDir,
    id: String,
    /// What a runtime makes of the container's name, and may leave behind where it fails.
    _control_group: ControlGroup,
}

impl Bundle {
    /// A bundle of a spec. What it runs is there, under the name and the path that it has in the spec, and
    /// ends at once with success.
    pub(crate) fn new(spec: &Value) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let directory = tempfile::Builder::new().prefix("specd-bundle-").tempdir().unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = format!("specd-test-{}-{number}", std::process::id());
        let bundle = Self { directory, _control_group: ControlGroup::hold(&id), id };
        // Users of a user namespace need access to the directory.
        fs::set_permissions(bundle.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let root = bundle.path().join("rootfs");
        fs::create_dir_all(root.join("bin")).unwrap();
        fs::copy(busybox(), root.join("bin/busybox")).unwrap();
        write_script(&root.join("bin/true"));
        // Like in an image: users of a user namespace cannot create them.
        for mount in spec["mounts"].as_array().into_iter().flatten() {
            place(&root, mount);
        }
        let cwd = spec["process"]["cwd"].as_str().filter(|path| is_path(path)).unwrap_or("/");
        make_directory(&root.join(cwd.trim_start_matches('/')));
        if let Some(program) = program(spec) {
            let path = root.join(program.trim_start_matches('/'));
            if !path.exists() {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                write_script(&path);
            }
        }
        let owner =
            ["uidMappings", "gidMappings"].map(|list| host_id_of_root(&spec["linux"][list]));
        give_to(&root, owner);
        fs::write(bundle.path().join("config.json"), spec.to_string()).unwrap();
        bundle
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The container's id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

/// Writes a program that ends well.
fn write_script(path: &Path) {
    fs::write(path, SCRIPT).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The ID on the host of a user namespace's root.
fn host_id_of_root(mappings: &Value) -> Option<u32> {
    let root = mappings.as_array()?.iter().find(|mapping| mapping["containerID"] == 0)?;
    root["hostID"].as_u64()?.try_into().ok()
}

/// Gives what is in a directory to a user and a group, like a snapshotter does for a user namespace.
fn give_to(path: &Path, [user, group]: [Option<u32>; 2]) {
    lchown(path, user, group).unwrap();
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_to(&entry.unwrap().path(), [user, group]);
        }
    }
}

/// Makes the place of a mount: a file for a file, else a directory.
fn place(root: &Path, mount: &Value) {
    let path = mount["destination"].as_str().filter(|path| is_path(path)).unwrap_or_default();
    let path = root.join(path.trim_matches('/'));
    let source = mount["source"].as_str().map(Path::new);
    if is_bind(mount) && source.is_some_and(Path::is_file) {
        if make_directory(path.parent().unwrap()) && !path.exists() {
            fs::write(path, "").unwrap();
        }
    } else if !path.exists() {
        make_directory(&path);
    }
}

/// Makes a directory, unless the place of another mount there is a file.
fn make_directory(path: &Path) -> bool {
    match fs::create_dir_all(path) {
        Ok(()) => true,
        Err(error)
            if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotADirectory) =>
        {
            false
        }
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// Where the program of a spec is, in the container.
fn program(spec: &Value) -> Option<String> {
    let program = spec["process"]["args"][0].as_str().filter(|name| is_path(name))?;
    if program.contains('/') {
        let cwd = spec["process"]["cwd"].as_str().unwrap_or("/");
        return Some(if program.starts_with('/') {
            program.to_owned()
        } else {
            format!("{cwd}/{program}")
        });
    }
    let env = spec["process"]["env"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let path = env.filter_map(|entry| entry.strip_prefix("PATH=")).next_back().unwrap_or("/bin");
    let first = path.split(':').find(|directory| directory.starts_with('/'))?;
    Some(format!("{first}/{program}"))
}

fn is_path(name: &str) -> bool {
    !name.is_empty() && !name.contains('\0') && !name.contains("..")
}

fn busybox() -> PathBuf {
    let found = Command::new("sh").args(["-c", "command -v busybox"]).output().unwrap();
    PathBuf::from(String::from_utf8(found.stdout).unwrap().trim_end())
}
