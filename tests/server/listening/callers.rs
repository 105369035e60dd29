//! Callers over a unix socket, limited by user and group.

use crate::listening::{OtherUser, Running, ask, is_root, lives, serve, specd, unix};
use crate::support::other_user::NOBODY;
use std::path::PathBuf;
use tempfile::TempDir;

/// A socket that everybody may open, so that only the flags decide.
fn open_to_all(flags: &[&str]) -> (Running, String, TempDir) {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path: PathBuf = directory.path().join("specd.sock");
    let mut server =
        Running::start(serve(&[&unix(&path)]).args(["--socket-mode", "0666"]).args(flags));
    server.listens();
    (server, unix(&path), directory)
}

#[test]
fn without_a_list_every_user_that_can_open_the_file_may_call() {
    let (_server, address, _directory) = open_to_all(&[]);
    lives(&address).unwrap();
    if is_root("a caller of another user") {
        ask(&mut OtherUser::new().nobody(&specd()), &address).unwrap();
    }
}

#[test]
fn callers_of_a_unix_socket_can_be_limited_by_uid() {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let (mut server, address, _directory) = open_to_all(&["--allow-uid", &uid]);
    lives(&address).unwrap();
    if is_root("a caller of another user") {
        ask(&mut OtherUser::new().nobody(&specd()), &address).unwrap_err();
        server.says(&["WARN", "refused", "uid 65534 gid 65534", &address]);
        lives(&address).unwrap();
    }
}

#[test]
fn callers_of_a_unix_socket_can_be_limited_by_gid() {
    let flags = ["--allow-uid", "4242", "--allow-gid", "65534,4243"];
    let (mut server, address, _directory) = open_to_all(&flags);
    lives(&address).unwrap_err();
    server.says(&["WARN", "refused", &address]);
    if is_root("a caller of another group") {
        let other = OtherUser::new();
        let ask_as = |uid, gid| ask(&mut other.run(&specd(), uid, gid), &address);
        ask_as(NOBODY, NOBODY).unwrap();
        ask_as(NOBODY, 4243).unwrap();
        ask_as(4242, 1).unwrap();
        ask_as(4243, 1).unwrap_err();
    }
}
