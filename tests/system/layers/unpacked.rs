//! Account files out of real directories: one alone, and several on each other.
//!
//! Whiteouts and the marks of opaque directories take root; what a process without capabilities sees is
//! tried by a child that gives its own away.

use crate::support::other_user::{CopyForOthers, NOBODY};
use crate::support::say::say;
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};
use specd::image::snapshot::read_from_mounts;
use specd::image::{AccountFiles, ImageError, NeededFiles};
use specd::store::{Mount, SnapshotError};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const BOTH: NeededFiles = NeededFiles { passwd: true, group: true };
const PASSWD: NeededFiles = NeededFiles { passwd: true, group: false };

/// A snapshot root with directories in it.
struct Host(tempfile::TempDir);

impl Host {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    /// A directory below the root; the text of each file is what a path ends in after `=`.
    fn layer(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let layer = self.root().join(name);
        fs::create_dir_all(&layer).unwrap();
        for (path, text) in files {
            let path = layer.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        layer
    }

    fn bind(&self, layer: &Path, needed: NeededFiles) -> Result<AccountFiles, ImageError> {
        read_from_mounts(&self.root(), &[bind(layer)], needed)
    }

    /// What is there with the newest directory first.
    fn overlay(&self, layers: &[&Path]) -> Result<AccountFiles, ImageError> {
        read_from_mounts(&self.root(), &[overlay(layers, &[])], BOTH)
    }
}

fn bind(layer: &Path) -> Mount {
    let options = vec!["ro".to_owned(), "rbind".to_owned()];
    let source = layer.display().to_string();
    Mount { kind: "bind".to_owned(), source, target: String::new(), options }
}

pub(crate) fn overlay(layers: &[&Path], options: &[&str]) -> Mount {
    let layers: Vec<_> = layers.iter().map(|layer| layer.display().to_string()).collect();
    let mut options: Vec<_> = options.iter().map(ToString::to_string).collect();
    options.push(format!("lowerdir={}", layers.join(":")));
    let (kind, source) = ("overlay".to_owned(), "overlay".to_owned());
    Mount { kind, source, target: String::new(), options }
}

fn passwd(files: Result<AccountFiles, ImageError>) -> Option<String> {
    files.unwrap().passwd.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
}

fn refused(files: Result<AccountFiles, ImageError>) -> String {
    let Err(ImageError::File { reason, .. }) = files else { panic!("{files:?}") };
    reason
}

fn unreadable(files: Result<AccountFiles, ImageError>) -> String {
    let Err(ImageError::Snapshot(SnapshotError::Unreadable(reason))) = files else {
        panic!("{files:?}")
    };
    reason
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        say("SKIPPED: whiteouts and marks of unpacked layers: they take root");
    }
    root
}

fn whiteout(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mknodat(CWD, path, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
}

fn mark(path: &Path, name: &str, value: &[u8]) {
    fs::create_dir_all(path).unwrap();
    setxattr(path, name, value, XattrFlags::empty()).unwrap();
}

#[test]
fn a_directory_alone_is_what_it_is() {
    let host = Host::new();
    let layer = host.layer("1", &[("etc/passwd", "p"), ("etc/group", "g")]);
    let files = host.bind(&layer, BOTH).unwrap();
    assert_eq!(
        (files.passwd.as_deref(), files.group.as_deref()),
        (Some(&b"p"[..]), Some(&b"g"[..]))
    );
    let files = host.bind(&layer, PASSWD).unwrap();
    assert_eq!((files.passwd.as_deref(), files.group), (Some(&b"p"[..]), None));
    assert_eq!(host.bind(&host.layer("2", &[]), BOTH).unwrap(), AccountFiles::default());
}

#[test]
fn links_stay_inside_the_root() {
    let host = Host::new();
    // The host's own file, which every way out would lead to.
    fs::create_dir_all(host.root().join("etc")).unwrap();
    fs::write(host.root().join("etc/passwd"), "outside").unwrap();
    for (at, target, found) in [
        ("etc/passwd", "/srv/data", Some("inside")),
        ("etc/passwd", "../srv/data", Some("inside")),
        ("etc/passwd", "../../../../srv/data", Some("inside")),
        ("etc/passwd", "/../../srv/data", Some("inside")),
        ("etc", "srv/etc", Some("other etc")),
        ("etc", "/srv/etc", Some("other etc")),
        ("etc", "../etc", None),
        ("etc/passwd", "../../etc/passwd", None),
        ("etc/passwd", "nowhere", None),
        ("etc/passwd", "/proc/self/root/etc/passwd", None),
    ] {
        let layer = host.layer("links", &[("srv/data", "inside"), ("srv/etc/passwd", "other etc")]);
        if at != "etc" {
            fs::create_dir(layer.join("etc")).unwrap();
        }
        symlink(target, layer.join(at)).unwrap();
        let got = host.bind(&layer, PASSWD);
        match found {
            None if target.contains("etc") && !target.contains("proc") => {
                assert_eq!(refused(got), "is reached through too many links", "{at} {target}");
            }
            found => assert_eq!(passwd(got).as_deref(), found, "{at} {target}"),
        }
        fs::remove_dir_all(layer).unwrap();
    }
}

#[test]
fn forty_links_are_followed_and_one_more_is_too_many() {
    let host = Host::new();
    for (links, found) in [(40, true), (41, false)] {
        let layer = host.layer(&links.to_string(), &[("0", "end"), ("etc/x", "")]);
        for link in 1..links {
            symlink(format!("{}", link - 1), layer.join(link.to_string())).unwrap();
        }
        symlink(format!("../{}", links - 1), layer.join("etc/passwd")).unwrap();
        let got = host.bind(&layer, PASSWD);
        if found {
            assert_eq!(passwd(got).as_deref(), Some("end"));
        } else {
            assert_eq!(refused(got), "is reached through too many links");
        }
    }
}

#[test]
fn what_is_no_regular_file_is_refused_and_not_opened() {
    let host = Host::new();
    let directory = host.layer("directory", &[("etc/passwd/x", "")]);
    assert_eq!(refused(host.bind(&directory, PASSWD)), "is a directory, not a regular file");
    let through = host.layer("through", &[("etc", "")]);
    assert_eq!(
        refused(host.bind(&through, PASSWD)),
        "is reached through /etc, which is not a directory"
    );
    let fifo = host.layer("fifo", &[("etc/x", "")]);
    let made = mknodat(CWD, fifo.join("etc/passwd"), FileType::Fifo, Mode::RUSR, 0);
    // Opening it would wait for a writer for ever.
    made.unwrap();
    assert_eq!(refused(host.bind(&fifo, PASSWD)), "is a fifo, not a regular file");
    let socket = host.layer("socket", &[("etc/x", "")]);
    drop(std::os::unix::net::UnixListener::bind(socket.join("etc/passwd")).unwrap());
    assert_eq!(refused(host.bind(&socket, PASSWD)), "is a socket, not a regular file");
    if is_root() {
        let device = host.layer("device", &[]);
        whiteout(&device.join("etc/passwd"));
        let said = refused(host.bind(&device, PASSWD));
        assert_eq!(said, "is a character device, not a regular file", "nothing hides in one alone");
    }
}

#[test]
fn ten_mebibytes_pass_and_one_byte_more_does_not() {
    let host = Host::new();
    let layer = host.layer("1", &[("etc/x", "")]);
    let limit = 10 << 20;
    for (length, passes) in [(limit, true), (limit + 1, false)] {
        fs::write(layer.join("etc/passwd"), vec![b'x'; length]).unwrap();
        match host.bind(&layer, PASSWD) {
            Ok(files) if passes => assert_eq!(files.passwd.unwrap().len(), length),
            Err(ImageError::Limit { limit: found, .. }) if !passes => {
                assert_eq!(found, limit as u64);
            }
            other => panic!("{length}: {other:?}"),
        }
    }
}

#[test]
fn the_newest_directory_answers_and_whiteouts_hide() {
    if !is_root() {
        return;
    }
    let host = Host::new();
    let base = host.layer("1", &[("etc/passwd", "base"), ("etc/group", "base")]);
    let next = host.layer("2", &[("etc/passwd", "next")]);
    let none = host.layer("3", &[("srv/x", "")]);
    let files = host.overlay(&[&none, &next, &base]).unwrap();
    assert_eq!(files.passwd.as_deref(), Some(&b"next"[..]));
    assert_eq!(files.group.as_deref(), Some(&b"base"[..]));

    let hides = host.layer("4", &[]);
    whiteout(&hides.join("etc/passwd"));
    assert_eq!(host.overlay(&[&hides, &next, &base]).unwrap().passwd, None);
    let again = host.layer("5", &[("etc/passwd", "again")]);
    assert_eq!(passwd(host.overlay(&[&again, &hides, &base])).as_deref(), Some("again"));
    let whole = host.layer("6", &[]);
    whiteout(&whole.join("etc"));
    assert_eq!(host.overlay(&[&none, &whole, &base]), Ok(AccountFiles::default()));
    // A link of a newer directory leads into an older one, and the other way round.
    let link = host.layer("7", &[("srv/y", "")]);
    fs::create_dir(link.join("etc")).unwrap();
    symlink("../data/passwd", link.join("etc/passwd")).unwrap();
    let data = host.layer("8", &[("data/passwd", "data")]);
    assert_eq!(passwd(host.overlay(&[&link, &data, &base])).as_deref(), Some("data"));
    assert_eq!(passwd(host.overlay(&[&data, &link, &base])).as_deref(), Some("data"));
}

#[test]
fn opaque_directories_hide_by_the_marks_of_their_mount() {
    if !is_root() {
        return;
    }
    let host = Host::new();
    let base = host.layer("1", &[("etc/passwd", "base")]);
    let (by_user, by_trusted) = (host.layer("2", &[]), host.layer("3", &[]));
    mark(&by_user.join("etc"), "user.overlay.opaque", b"y");
    mark(&by_trusted.join("etc"), "trusted.overlay.opaque", b"y");
    for (layer, options, seen) in [
        (&by_user, &[][..], true),
        (&by_user, &["userxattr"], false),
        (&by_trusted, &["index=off"], false),
        (&by_trusted, &["userxattr"], true),
    ] {
        let mounts = [overlay(&[layer, &base], options)];
        let found = passwd(read_from_mounts(&host.root(), &mounts, PASSWD));
        assert_eq!(found.is_some(), seen, "{} {options:?}", layer.display());
    }
    // overlayfs does not look at the mark of a layer's root, so what is below is seen.
    let root = host.layer("root", &[("srv/x", "")]);
    mark(&root, "trusted.overlay.opaque", b"y");
    assert_eq!(passwd(host.overlay(&[&root, &base])).as_deref(), Some("base"));
    for (value, seen) in [(&b"n"[..], true), (b"yy", true), (b"yes", true), (b"", true)] {
        let layer = host.layer("4", &[]);
        mark(&layer.join("etc"), "trusted.overlay.opaque", value);
        assert_eq!(passwd(host.overlay(&[&layer, &base])).is_some(), seen, "{value:?}");
    }
}

#[test]
fn what_overlayfs_would_look_for_elsewhere_is_refused() {
    if !is_root() {
        return;
    }
    let host = Host::new();
    let base = host.layer("1", &[("etc/passwd", "base")]);
    for (name, value, what) in [
        ("trusted.overlay.redirect", &b"/elsewhere"[..], "was moved within an overlay"),
        ("trusted.overlay.opaque", b"x", "whiteouts as extended attributes"),
    ] {
        let layer = host.layer(what, &[]);
        mark(&layer.join("etc"), name, value);
        let said = unreadable(host.overlay(&[&layer, &base]));
        assert!(said.contains(what) && said.contains("/etc "), "{said}");
    }
    let layer = host.layer("2", &[("etc/passwd", "")]);
    setxattr(layer.join("etc/passwd"), "trusted.overlay.metacopy", b"", XattrFlags::empty())
        .unwrap();
    let said = unreadable(host.overlay(&[&layer, &base]));
    assert!(said.contains("has its contents in another directory"), "{said}");
}

#[test]
fn only_what_is_below_the_root_is_opened() {
    let host = Host::new();
    let inside = host.layer("1/fs", &[("etc/passwd", "p")]);
    let outside = tempfile::tempdir().unwrap();
    let said = unreadable(host.bind(outside.path(), PASSWD));
    assert!(said.contains("is not below --snapshot-root"), "{said}");
    let said = unreadable(host.bind(&host.root(), PASSWD));
    assert!(said.contains("is not below --snapshot-root"), "{said}");
    // The path begins as the root does, and is not below it.
    let beside = PathBuf::from(format!("{}-beside", host.root().display()));
    fs::create_dir(&beside).unwrap();
    let said = unreadable(host.bind(&beside, PASSWD));
    assert!(said.contains("is not below --snapshot-root"), "{said}");

    symlink(outside.path(), host.root().join("absolute")).unwrap();
    symlink("../..", host.root().join("relative")).unwrap();
    for path in ["absolute", "absolute/x", "relative/x"] {
        let said = unreadable(host.bind(&host.root().join(path), PASSWD));
        let out = said.contains("leads out of --snapshot-root") || said.contains("Not a directory");
        assert!(out, "{path}: {said}");
    }
    symlink("1", host.root().join("within")).unwrap();
    assert_eq!(passwd(host.bind(&host.root().join("within/fs"), PASSWD)).as_deref(), Some("p"));
    assert_eq!(passwd(host.bind(&inside, PASSWD)).as_deref(), Some("p"));

    let said = unreadable(host.bind(&host.root().join("absent"), PASSWD));
    assert!(said.contains("is it mounted here under the same path?"), "{said}");
    let said = unreadable(read_from_mounts(&host.root().join("absent"), &[bind(&inside)], PASSWD));
    assert!(said.starts_with("--snapshot-root "), "{said}");
}

/// The child of the next test: it gives up what it was given, reads, and says what came out.
#[test]
fn as_one_without_capabilities() {
    let Some(directory) = std::env::var_os("SPECD_TEST_WITHOUT_CAPABILITIES") else { return };
    let root = PathBuf::from(directory);
    let layers = |names: &[&str]| -> Vec<PathBuf> { names.iter().map(|n| root.join(n)).collect() };
    for (names, found) in [
        (&["newest", "base"][..], Ok(true)),
        (&["beside", "base"], Ok(true)),
        (&["hides", "base"], Ok(false)),
        (
            &["opaque", "base"],
            Err("whether a directory on the way to /etc/passwd is marked as opaque"),
        ),
        (&["hollow", "base"], Err("has its contents in another directory of the overlay")),
        (&["closed", "base"], Err("run as root or with CAP_DAC_READ_SEARCH")),
    ] {
        let layers = layers(names);
        let layers: Vec<_> = layers.iter().map(PathBuf::as_path).collect();
        let got = read_from_mounts(&root, &[overlay(&layers, &[])], PASSWD);
        match found {
            Ok(found) => assert_eq!(passwd(got).is_some(), found, "{names:?}"),
            Err(what) => {
                let said = unreadable(got);
                assert!(said.contains(what), "{names:?}: {said}");
            }
        }
    }
}

#[test]
fn without_capabilities_nothing_is_guessed() {
    if !is_root() {
        return;
    }
    let host = Host::new();
    host.layer("base", &[("etc/passwd", "base")]);
    host.layer("newest", &[("etc/passwd", "newest")]);
    host.layer("beside", &[("srv/x", "")]);
    whiteout(&host.layer("hides", &[]).join("etc/passwd"));
    mark(&host.layer("opaque", &[]).join("etc"), "trusted.overlay.opaque", b"y");
    let hollow = host.layer("hollow", &[("etc/passwd", "")]).join("etc/passwd");
    fs::File::options().write(true).open(&hollow).unwrap().set_len(4096).unwrap();
    setxattr(&hollow, "trusted.overlay.metacopy", b"", XattrFlags::empty()).unwrap();
    let closed = host.layer("closed", &[("etc/passwd", "")]).join("etc");
    fs::set_permissions(closed, fs::Permissions::from_mode(0o700)).unwrap();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(host.0.path(), open).unwrap();

    let this = CopyForOthers::of(&std::env::current_exe().unwrap());
    let child = this
        .run_as(NOBODY, NOBODY)
        .args(["--exact", "layers::unpacked::as_one_without_capabilities", "--nocapture"])
        .env("SPECD_TEST_WITHOUT_CAPABILITIES", host.root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert!(said.contains("1 passed"), "{said}");
}
