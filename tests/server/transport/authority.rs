//! Which connections may send any `:authority`: those over a unix socket, unless that is turned off.

use crate::support::serve_config::serve_config;
use crate::transport::{Start, within};
use clap::CommandFactory;
use httlib_hpack::Encoder;
use specd::commands::Cli;
use specd::server::listen::ListenAddress;
use specd::server::serve::ServeConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// One health check with an authority: all that a client says.
fn call(authority: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ] {
        let field = (name.as_bytes().to_vec(), value.as_bytes().to_vec(), Encoder::WITH_INDEXING);
        Encoder::default().encode(field, &mut block).unwrap();
    }
    let message = b"\0\0\0\0\x0a\x0a\x08liveness";
    [
        PREFACE,
        &frame(SETTINGS, 0, 0, &[]),
        &frame(HEADERS, 0x04, 1, &block),
        &frame(DATA, 0x01, 1, message),
    ]
    .concat()
}

/// Whether a call with an authority is answered, or else its stream reset.
async fn is_answered(mut stream: impl AsyncRead + AsyncWrite + Unpin, authority: &str) -> bool {
    stream.write_all(&call(authority)).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await.unwrap();
        match head[3] {
            HEADERS => return true,
            RST_STREAM => return false,
            _ => {}
        }
    }
}

/// Whether a server answers a call with an authority, over TCP and over a unix socket.
async fn answers(mend_authority: bool, authority: &str) -> (bool, bool) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.sock");
    let listen = vec!["tcp://127.0.0.1:0".to_owned(), format!("unix://{}", path.display())];
    let config = ServeConfig { mend_authority, ..serve_config() };
    let server = Start { listen, config, ..Default::default() }.run().await;
    let ListenAddress::Tcp(address) = server.address() else { panic!("not TCP") };
    let tcp = TcpStream::connect(address).await.unwrap();
    let unix = UnixStream::connect(&path).await.unwrap();
    let answers = async { (is_answered(tcp, authority).await, is_answered(unix, authority).await) };
    within("an answer", answers).await
}

#[tokio::test]
async fn any_authority_is_accepted_over_a_unix_socket_and_not_over_tcp() {
    for authority in ["/run/specd/specd.sock", "%2Frun%2Fspecd%2Fspecd.sock", "unix:///a/b"] {
        assert_eq!(answers(true, authority).await, (false, true), "{authority}");
    }
}

#[tokio::test]
async fn it_can_be_turned_off() {
    assert_eq!(answers(false, "/run/specd/specd.sock").await, (false, false));
}

#[tokio::test]
async fn an_authority_that_is_one_is_accepted_everywhere() {
    for authority in ["localhost", "localhost:50051", "[::1]:1"] {
        assert_eq!(answers(true, authority).await, (true, true));
        assert_eq!(answers(false, authority).await, (true, true));
    }
}

#[test]
fn it_is_on_by_default() {
    let matches = Cli::command().get_matches_from(["specd", "serve"]);
    let serve = matches.subcommand_matches("serve").unwrap();
    assert!(!serve.get_flag("no_authority_filter"));
}
