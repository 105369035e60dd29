//! Sockets that systemd passes, and the notifications to systemd.

use crate::listening::{Running, clean, lives, refused, serve, unix};
use rustix::process::Signal;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, Stdio};

/// Starts `specd serve` like systemd: with descriptors from 3 on, which the environment lists.
///
/// A shell moves them into place: they come to it as its input and its output.
fn passing(names: &str, sockets: Vec<OwnedFd>, listen: &[&str]) -> Command {
    let server = serve(listen);
    let count = sockets.len();
    let script = "exec 3<&0 4<&1 0</dev/null 1>/dev/null
        export LISTEN_PID=$$
        exec \"$@\"";
    let mut shell = clean(Command::new("sh"));
    shell.args(["-c", script, "sh"]).arg(server.get_program()).args(server.get_args());
    shell.env("LISTEN_FDS", count.to_string()).env("LISTEN_FDNAMES", names);
    let mut sockets = sockets.into_iter();
    if let Some(first) = sockets.next() {
        shell.stdin(Stdio::from(first));
    }
    if let Some(second) = sockets.next() {
        shell.stdout(Stdio::from(second));
    }
    assert!(sockets.next().is_none());
    shell
}

fn tcp(address: &str) -> (OwnedFd, String) {
    let socket = TcpListener::bind(address).unwrap();
    let address = format!("tcp://{}", socket.local_addr().unwrap());
    (socket.into(), address)
}

#[test]
fn fd_takes_all_sockets_that_systemd_passes_and_unlinks_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("specd.sock");
    let file = UnixListener::bind(&path).unwrap();
    let (socket, address) = tcp("127.0.0.1:0");
    let mut server = Running::start(&mut passing(
        "specd.socket:specd.socket",
        vec![file.into(), socket],
        &["fd://"],
    ));
    let mut addresses = [server.listens(), server.listens()];
    addresses.sort();
    assert_eq!(addresses, [address.clone(), unix(&path)]);
    lives(&address).unwrap();
    lives(&unix(&path)).unwrap();
    assert!(server.stop().success());
    assert!(path.exists(), "the socket is systemd's to remove");
}

#[test]
fn fd_takes_a_socket_by_its_name_and_says_what_it_leaves() {
    let (first, _) = tcp("127.0.0.1:0");
    let (second, address) = tcp("127.0.0.1:0");
    let mut server = Running::start(&mut passing("one:two", vec![first, second], &["fd://two"]));
    server.says(&["WARN", "no --listen uses", "file descriptor 3 (one)"]);
    assert_eq!(server.listens(), address);
    lives(&address).unwrap();
}

#[test]
fn fd_without_passed_sockets_says_what_is_missing() {
    refused(&mut serve(&["fd://"]), 1, &["fd://", "passed by systemd", "socket unit"]);
    // Meant for another process.
    let mut other = serve(&["fd://"]);
    other.env("LISTEN_PID", "1").env("LISTEN_FDS", "1");
    refused(&mut other, 1, &["passed by systemd"]);
}

#[test]
fn fd_with_a_name_that_was_not_passed_says_which_were() {
    let (socket, _) = tcp("127.0.0.1:0");
    refused(
        &mut passing("grpc", vec![socket], &["fd://http"]),
        1,
        &["fd://http", "known are grpc"],
    );
}

#[test]
fn what_is_no_listening_socket_is_named() {
    let null: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let wanted = ["file descriptor 3 (grpc)", "ListenStream="];
    refused(&mut passing("grpc", vec![null], &["fd://"]), 1, &wanted);
    let datagram = UnixDatagram::unbound().unwrap();
    refused(&mut passing("grpc", vec![datagram.into()], &["fd://"]), 1, &wanted);
    let (connected, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    refused(&mut passing("grpc", vec![connected.into()], &["fd://"]), 1, &wanted);
}

#[test]
fn cve_2020_15257_an_abstract_socket_is_refused() {
    use std::os::linux::net::SocketAddrExt;
    let name = format!("specd-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
    let socket = UnixListener::bind_addr(&address).unwrap();
    let wanted = ["file descriptor 3 (grpc)", "abstract", "give it a path"];
    refused(&mut passing("grpc", vec![socket.into()], &["fd://"]), 1, &wanted);
}

#[test]
fn a_passed_tcp_socket_off_loopback_is_refused_without_tls_too() {
    let (socket, address) = tcp("0.0.0.0:0");
    refused(&mut passing("grpc", vec![socket], &["fd://"]), 2, &[&address, "--insecure-tcp"]);
}

#[test]
fn systemd_is_notified_of_the_start_and_the_stop() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(crate::listening::SOON)).unwrap();
    let next = || {
        let mut message = [0; 512];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let mut server = Running::start(serve(&["tcp://127.0.0.1:0"]).env("NOTIFY_SOCKET", &path));
    assert_eq!(next().trim(), "READY=1");
    lives(&server.listens()).unwrap();
    server.signal(Signal::TERM);
    assert_eq!(next().trim(), "STOPPING=1");
    assert!(server.ended().success());
}

#[test]
fn systemds_watchdog_is_fed_and_a_reload_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(crate::listening::SOON)).unwrap();
    let next_but = |left_out: &str| loop {
        let mut message = [0; 512];
        let length = socket.recv(&mut message).unwrap();
        let text = String::from_utf8(message[..length].to_vec()).unwrap().trim().to_owned();
        if text != left_out {
            return text;
        }
    };
    let mut command = serve(&["tcp://127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let server = Running::start(&mut command);
    assert_eq!(next_but("WATCHDOG=1"), "READY=1");
    for _ in 0..3 {
        assert_eq!(next_but(""), "WATCHDOG=1");
    }
    server.signal(Signal::HUP);
    let reloading = next_but("WATCHDOG=1");
    let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    assert!(time.parse::<u64>().is_ok_and(|time| time > 0), "{reloading}");
    assert_eq!(next_but("WATCHDOG=1"), "READY=1");
    assert!(server.stop().success());
}

/// systemd's own tool, which passes a socket at the first connection.
#[test]
fn systemd_socket_activate_passes_a_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("specd.sock");
    let server = serve(&["fd://grpc"]);
    let mut systemd = clean(Command::new("systemd-socket-activate"));
    systemd.args(["--fdname=grpc", "--listen"]).arg(&path);
    systemd.arg(server.get_program()).args(server.get_args());
    if Command::new("systemd-socket-activate").arg("--version").output().is_err() {
        crate::listening::say("SKIPPED: systemd-socket-activate is not on the PATH");
        return;
    }
    let mut server = Running::start(&mut systemd);
    server.says(&["Listening on"]);
    lives(&unix(&path)).unwrap();
    assert_eq!(server.listens(), unix(&path));
    assert!(server.stop().success());
    assert!(path.exists(), "the socket is systemd's to remove");
}
