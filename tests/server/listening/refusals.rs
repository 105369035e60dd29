//! Bad input: one sentence that says which and what would be right; code 2 for usage, 1 otherwise.

use crate::listening::{OtherUser, is_root, refused, serve, specd, unix};
use crate::support::other_user::NOBODY;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", taken.local_addr().unwrap());
    refused(&mut serve(&[&address]), 1, &[&address, "in use", "choose another address"]);
}

#[test]
fn a_missing_socket_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let address = unix(&missing.join("specd.sock"));
    refused(&mut serve(&[&address]), 1, &[&address, missing.to_str().unwrap(), "create it first"]);
}

#[test]
fn a_socket_directory_that_is_not_writable_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let closed = directory.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    for path in [directory.path(), &closed] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o555)).unwrap();
    }
    let address = unix(&closed.join("specd.sock"));
    let mut command = serve(&[&address]);
    let other = is_root("a directory that is not writable, as somebody else").then(OtherUser::new);
    if let Some(other) = &other {
        command = other.nobody(&command);
    }
    let wanted = [&address, closed.to_str().unwrap(), "may write to", "Permission denied"];
    refused(&mut command, 1, &wanted);
}

#[test]
fn a_group_that_the_file_cannot_be_given_to_is_named_and_nothing_is_left() {
    if !is_root("a group that is not ours, as somebody else") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(directory.path(), Some(NOBODY), None).unwrap();
    let path = directory.path().join("specd.sock");
    let mut command = serve(&[&unix(&path)]);
    command.args(["--socket-gid", "4242"]);
    let other = OtherUser::new();
    refused(&mut other.nobody(&command), 1, &[&unix(&path), "group 4242", "member of that group"]);
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_socket_is_named_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("precious");
    std::fs::write(&path, "x").unwrap();
    refused(&mut serve(&[&unix(&path)]), 1, &[&unix(&path), "is not a socket"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"x");
}

#[test]
fn one_bad_address_among_good_ones_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let good = directory.path().join("good.sock");
    let bad = unix(&directory.path().join("missing/specd.sock"));
    refused(&mut serve(&[&unix(&good), &bad]), 1, &[&bad]);
    assert!(!good.exists());
}

#[test]
fn a_tcp_address_off_loopback_is_refused_without_tls_unless_insecure_tcp_says_so() {
    let wanted = ["tcp://0.0.0.0:0", "not a loopback address", "--insecure-tcp", "--tls-cert"];
    refused(&mut serve(&["tcp://0.0.0.0:0"]), 2, &wanted);
    let mut allowed =
        crate::listening::Running::start(serve(&["tcp://0.0.0.0:0"]).arg("--insecure-tcp"));
    allowed.listens();
}

#[test]
fn words_that_are_wrong_on_every_machine_end_with_code_2() {
    for (flags, wanted) in [
        (&["--listen", "0.0.0.0:1"][..], &["--listen", "'0.0.0.0:1'", "tcp://127.0.0.1:50051"][..]),
        (&["--listen", "http://127.0.0.1:1"], &["--listen", "'http://127.0.0.1:1'", "transport"]),
        (&["--listen", "tcp://localhost:1"], &["--listen", "'tcp://localhost:1'", "an IP address"]),
        (
            &["--listen", "tcp://127.0.0.1:65536"],
            &["--listen", "'tcp://127.0.0.1:65536'", "an IP address and a port"],
        ),
        (&["--listen", "unix://specd.sock"], &["--listen", "'unix://specd.sock'", "three slashes"]),
        (&["--listen", "unix:///run/"], &["--listen", "'unix:///run/'", "add a file name"]),
        (&["--listen", "fd://a:b"], &["--listen", "'fd://a:b'", "FileDescriptorName="]),
        (&["--socket-mode", "0999"], &["--socket-mode", "'0999'", "octal", "0660"]),
        (&["--socket-mode", "4755"], &["--socket-mode", "'4755'", "up to 0777"]),
        (&["--socket-gid", "wheel"], &["--socket-gid", "wheel", "990 (getent group NAME)"]),
        (&["--socket-gid", "4294967296"], &["--socket-gid", "4294967296"]),
        (&["--allow-uid=-1"], &["--allow-uid", "1000 (id -u NAME)"]),
        (&["--allow-gid", "staff"], &["--allow-gid", "staff"]),
        // Where an address of another kind is wrong, the sentence does not recommend it.
        (
            &["--metrics-listen", "fd://a"],
            &["'fd://a'", "expected tcp://IP:PORT or unix:///PATH, for"],
        ),
        (&["--containerd", "tcp://127.0.0.1:1"], &["--containerd", "the path of a unix socket"]),
        (
            &["--oci-layout", "/a", "--containerd", "/b"],
            &["--oci-layout", "cannot be used with", "--containerd"],
        ),
        (&["--no-such-flag"], &["--no-such-flag"]),
    ] {
        refused(specd().arg("serve").args(flags), 2, wanted);
    }
}
