//! Unix sockets: mode, group, stale and live, given back at the end.

use crate::listening::{Running, is_root, lives, serve, unix};
use rustix::process::Signal;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;

#[test]
fn a_unix_socket_has_mode_0660_by_default() {
    let directory = tempfile::tempdir().unwrap();
    for (flags, mode) in [(&[][..], 0o660), (&["--socket-mode", "0600"][..], 0o600)] {
        let path = directory.path().join("specd.sock");
        let mut server = Running::start(serve(&[&unix(&path)]).args(flags));
        assert_eq!(server.listens(), unix(&path));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        assert!(server.stop().success());
        assert!(!path.exists(), "the socket is left behind");
    }
}

#[test]
fn a_unix_socket_is_given_to_the_group_that_is_asked_for() {
    if !is_root("the group of a socket") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("specd.sock");
    let mut server = Running::start(serve(&[&unix(&path)]).args(["--socket-gid", "4242"]));
    server.listens();
    let file = std::fs::metadata(&path).unwrap();
    assert_eq!((file.gid(), file.mode() & 0o7777), (4242, 0o660));
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("specd.sock");
    drop(UnixListener::bind(&path).unwrap());
    let mut server = Running::start(&mut serve(&[&unix(&path)]));
    server.listens();
    lives(&unix(&path)).unwrap();
    crate::listening::refused(&mut serve(&[&unix(&path)]), 1, &[&unix(&path), "in use"]);
    lives(&unix(&path)).unwrap();
}

#[test]
fn a_server_that_was_killed_leaves_a_socket_that_the_next_one_replaces() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("specd.sock");
    let mut first = Running::start(&mut serve(&[&unix(&path)]));
    first.listens();
    first.signal(Signal::KILL);
    first.ended();
    assert!(path.exists());
    let mut second = Running::start(&mut serve(&[&unix(&path)]));
    second.listens();
    lives(&unix(&path)).unwrap();
}
