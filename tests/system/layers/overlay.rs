//! The same random stacks against Linux itself: overlayfs merges them, and `openat2` resolves the
//! links inside the root. The directories are also read in place, without the mount. Only where
//! mounting is permitted.

use super::model::{Op, Seen, Tree, Upper, answer, seen, stack, unpack};
use super::unpacked;
use crate::support::fuzz::cases;
use crate::support::say::say;
use proptest::test_runner::{TestCaseError, TestRunner};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, XattrFlags, mknodat, openat, openat2, setxattr};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use specd::image::NeededFiles;
use specd::image::snapshot::read_from_mounts;
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A mount that ends with its value.
struct Mount(PathBuf);

impl Mount {
    fn new(kind: &str, at: &Path, data: &str) -> rustix::io::Result<Self> {
        fs::create_dir_all(at).unwrap();
        let data = std::ffi::CString::new(data).unwrap();
        mount(kind, at, kind, MountFlags::empty(), Some(data.as_c_str()))?;
        Ok(Self(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

/// Writes an unpacked layer into an upper directory, in the form that containerd gives it.
fn write(upper: &Upper, directory: &Path) {
    fs::create_dir(directory).unwrap();
    write_tree(&upper.root, directory);
    for path in &upper.whiteouts {
        let path = directory.join(path);
        if path.symlink_metadata().is_err() {
            mknodat(CWD, &path, rustix::fs::FileType::CharacterDevice, Mode::empty(), 0).unwrap();
        }
    }
    for path in &upper.opaque {
        let path = directory.join(path);
        setxattr(&path, "trusted.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    }
}

fn write_tree(tree: &Tree, at: &Path) {
    let Tree::Dir(children) = tree else { return };
    for (name, child) in children {
        let path = at.join(name);
        match child {
            Tree::Dir(_) => {
                fs::create_dir(&path).unwrap();
                write_tree(child, &path);
            }
            Tree::File(content) => fs::write(&path, content.to_string()).unwrap(),
            Tree::Symlink(target) => symlink(target, &path).unwrap(),
        }
    }
}

/// What the kernel has at a path inside a root.
fn look(root: &Path, path: &str) -> Seen {
    let root = openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
    match openat2(root, path, OFlags::RDONLY, Mode::empty(), ResolveFlags::IN_ROOT) {
        Err(rustix::io::Errno::NOENT) => Seen::Nothing,
        Err(_) => Seen::Refused,
        Ok(file) => {
            let mut text = String::new();
            match fs::File::from(file).read_to_string(&mut text) {
                Ok(_) => Seen::Content(text.parse().unwrap()),
                Err(_) => Seen::Refused,
            }
        }
    }
}

/// Layers that a snapshotter can put into one directory each: what is hidden and what is there must
/// not be the same path, and a marker must not have gone with its directory.
fn fits_one_directory(upper: &Upper) -> bool {
    let found = |path: &str| {
        path.split('/').filter(|name| !name.is_empty()).try_fold(&upper.root, |tree, name| {
            match tree {
                Tree::Dir(children) => children.get(name),
                Tree::File(_) | Tree::Symlink(_) => None,
            }
        })
    };
    let parent =
        |path: &str| path.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned());
    let directory = |path: &str| matches!(found(path), Some(Tree::Dir(_)));
    upper.whiteouts.iter().all(|path| found(path).is_none() && directory(&parent(path)))
        && upper.opaque.iter().all(|path| directory(path))
}

fn compare(base: &Path, layers: &[Vec<Op>]) -> Result<(), TestCaseError> {
    let (uppers, layers): (Vec<_>, Vec<_>) =
        layers.iter().map(|ops| unpack(ops)).filter(|(upper, _)| fits_one_directory(upper)).unzip();
    let place = tempfile::tempdir_in(base).unwrap();
    let mut directories = vec![place.path().join("nothing")];
    fs::create_dir(&directories[0]).unwrap();
    // A second empty one, since an overlay without an upper directory needs two.
    for (at, upper) in std::iter::once(&unpack(&[]).0).chain(&uppers).enumerate() {
        let directory = place.path().join(at.to_string());
        write(upper, &directory);
        directories.insert(0, directory);
    }
    let directories: Vec<_> = directories.iter().map(PathBuf::as_path).collect();
    let unpacked = unpacked::overlay(&directories, &[]);
    let lower = unpacked.options.last().unwrap();
    let merged = place.path().join("merged");
    let _mount = Mount::new("overlay", &merged, lower).unwrap();
    for (file, passwd) in [("etc/passwd", true), ("etc/group", false)] {
        let shown = look(&merged, file);
        let needed = NeededFiles { passwd, group: !passwd };
        let in_place = read_from_mounts(place.path(), std::slice::from_ref(&unpacked), needed);
        proptest::prop_assert_eq!(seen(in_place), Ok(shown.clone()), "{}: {:#?}", file, layers);
        proptest::prop_assert_eq!(answer(&layers, passwd), Ok(shown), "{}: {:#?}", file, layers);
    }
    Ok(())
}

#[test]
fn any_stack_shows_what_overlayfs_shows() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().join("base");
    // On a file system of its own: the temporary directory may itself be on an overlay.
    let tmpfs = Mount::new("tmpfs", &base, "");
    let probe = || {
        let lower = format!("lowerdir={}:{}", base.join("a").display(), base.join("b").display());
        fs::create_dir(base.join("a")).and_then(|()| fs::create_dir(base.join("b"))).unwrap();
        Mount::new("overlay", &base.join("probe"), &lower)
    };
    if let Err(error) =
        tmpfs.as_ref().map(|_| ()).map_err(|error| *error).and_then(|()| probe().map(drop))
    {
        say(&format!(
            "SKIPPED: the comparison with overlayfs: mounting it is not permitted: {error}"
        ));
        return;
    }
    // What few random stacks have: an opaque root, which hides nothing.
    let base_layer =
        vec![Op::File("etc/passwd".to_owned(), 1), Op::File("etc/group".to_owned(), 2)];
    let opaque_root = vec![Op::Opaque(".".to_owned()), Op::File("etc/group".to_owned(), 3)];
    compare(&base, &[base_layer, opaque_root]).unwrap();
    let mut runner = TestRunner::new(cases(400));
    runner.run(&stack(), |layers| compare(&base, &layers)).unwrap();
}
