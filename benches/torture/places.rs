//! Peers that take what others need: places of connections, descriptors, the log, the whole server.

use crate::arena::{Arena, Honest};
use crate::calls::{GENERATE, callers};
use crate::honest::{Phase, Target, is_serving, request};
use crate::row::{Found, Row, Rules, STRICT, TYPED, time};
use crate::server::Log;
use crate::support::certificates::Authority;
use crate::support::http2::OPENING;
use crate::support::layout::IMAGE;
use crate::support::tls_client;
use bytes::Bytes;
use prost::Message;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "no-certificate",
        what: "300 peers without a certificate at the port for mutual TLS: silent, slow, and with whole handshakes",
        prepare: |stage| stage.mutual_tls = true,
        attack: |arena| Box::pin(no_certificate(arena)),
        rules: STRICT,
    },
    Row {
        name: "new-certificates",
        what: "the certificate of the port is replaced while peers with a certificate of another authority try",
        prepare: |stage| {
            stage.mutual_tls = true;
            stage.seconds = stage.seconds.max(8);
        },
        attack: |arena| Box::pin(new_certificates(arena)),
        rules: STRICT,
    },
    Row {
        name: "idle-port",
        what: "300 idle connections of two addresses at the port",
        prepare: |_| {},
        attack: |arena| Box::pin(idle_port(arena)),
        rules: STRICT,
    },
    Row {
        name: "idle-socket",
        what: "300 idle connections of one other process at the socket",
        prepare: |stage| stage.honest = Honest::Socket,
        attack: |arena| Box::pin(idle_socket(arena)),
        rules: STRICT,
    },
    Row {
        name: "descriptors",
        what: "600 connections to a server that may have 200 descriptors",
        prepare: |stage| {
            stage.descriptors = Some(200);
            stage.flag(&["--max-connections", "1000"]);
        },
        attack: |arena| Box::pin(descriptors(arena)),
        rules: Rules {
            health: false,
            errors: &["UNAVAILABLE", "DEADLINE_EXCEEDED", "no connection", "lost"],
            ..TYPED
        },
    },
    Row {
        name: "unread-log",
        what: "nobody reads the log; every call is logged, and 32 callers make failing ones",
        prepare: |stage| {
            stage.log = Log::Unread;
            stage.flag(&["--log-calls", "all", "--log-format", "json"]);
        },
        attack: |arena| Box::pin(unread_log(arena)),
        rules: STRICT,
    },
    Row {
        name: "log-lines",
        what: "16 callers of unknown methods, and a user that is not allowed who connects again and again",
        prepare: |stage| {
            stage.flag(&["--allow-uid", "4242"]);
            stage.honest = Honest::Port;
        },
        attack: |arena| Box::pin(log_lines(arena)),
        rules: STRICT,
    },
    Row {
        name: "secrets",
        what: "values of variables, in requests right and wrong, with the log at debug",
        prepare: |stage| {
            stage.flag(&["--log", "debug", "--log-calls", "all", "--log-format", "json"]);
        },
        attack: |arena| Box::pin(secrets(arena)),
        rules: STRICT,
    },
    Row {
        name: "removed-socket",
        what: "the file of the socket is removed, and another time replaced by a file",
        prepare: |stage| stage.honest = Honest::Port,
        attack: |arena| Box::pin(removed_socket(arena)),
        rules: STRICT,
    },
    Row {
        name: "sigterm",
        what: "SIGTERM while heavy requests, hostile images, half-open calls and unread answers go on",
        prepare: crate::images::links,
        attack: |arena| Box::pin(sigterm(arena)),
        rules: Rules { latency: None, serves_on: false, ..STRICT },
    },
];

async fn no_certificate(arena: Arc<Arena>) -> Found {
    let until = arena.until();
    let config = Arc::new(tls_client::config(&arena.authority.pem(), None));
    let mut tasks = JoinSet::new();
    for number in 0..300 {
        let (arena, config) = (Arc::clone(&arena), Arc::clone(&config));
        tasks.spawn(async move {
            let mut connections = 0;
            while Instant::now() < until {
                let pause = tokio::time::sleep(Duration::from_millis(100));
                if let Ok(stream) = arena.connect().await {
                    connections += 1;
                    let work = without_a_certificate(stream, number, config.clone());
                    let _ = tokio::time::timeout_at(until.into(), work).await;
                }
                pause.await;
            }
            connections
        });
    }
    let connections: usize = tasks.join_all().await.iter().sum();
    Ok(format!("{connections} connections"))
}

/// What a peer without a certificate does until the server closes the connection.
async fn without_a_certificate(
    mut stream: tokio::net::TcpStream,
    number: usize,
    config: Arc<rustls::ClientConfig>,
) {
    let mut chunk = [0; 1024];
    match number % 3 {
        // Says nothing.
        0 => while stream.read(&mut chunk).await.is_ok_and(|count| count > 0) {},
        // Begins a record and goes on byte by byte.
        1 => {
            for byte in [0x16, 3, 1, 2, 0, 1].iter().chain(&[0; 500]) {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        // To a client the handshake of TLS 1.3 is complete before the server has seen that there is no certificate.
        _ => {
            let name = "localhost".try_into().unwrap();
            let Ok(mut stream) = TlsConnector::from(config).connect(name, stream).await else {
                return;
            };
            let _ = stream.write_all(OPENING).await;
            while stream.read(&mut chunk).await.is_ok_and(|count| count > 0) {}
        }
    }
}

async fn new_certificates(arena: Arc<Arena>) -> Found {
    let until = arena.until();
    let stranger = Authority::new("stranger").issue(&["client.example"]);
    let strangers = Arc::new(tls_client::config(&arena.authority.pem(), Some(&stranger)));
    let mut trying = JoinSet::new();
    for _ in 0..8 {
        let (arena, strangers) = (Arc::clone(&arena), Arc::clone(&strangers));
        trying.spawn(async move {
            while Instant::now() < until {
                if let Ok(stream) = arena.connect().await {
                    without_a_certificate(stream, 2, Arc::clone(&strangers)).await;
                }
            }
        });
    }
    let known = Arc::new(tls_client::config(&arena.authority.pem(), Some(&arena.client)));
    let address = format!("tcp://{}", arena.server.tcp);
    let mut slowest = Duration::ZERO;
    let mut replaced = 0;
    while Instant::now() < until {
        let (issued, ca) = (arena.authority.server(), arena.authority.pem());
        let files = [("tls.crt", &*issued.cert), ("tls.key", &issued.key), ("ca.crt", &ca)];
        let wanted = CertificateDer::from_pem_slice(issued.cert.as_bytes()).unwrap();
        arena.secret.lock().unwrap().swap(&files);
        let started = Instant::now();
        loop {
            let (address, known) = (address.clone(), Arc::clone(&known));
            let met = tokio::task::spawn_blocking(move || tls_client::meet(&address, &known)).await;
            if met.unwrap().map_err(|error| format!("a client is not let in: {error}"))?.certificate
                == wanted
            {
                break;
            }
            if started.elapsed() > Duration::from_secs(10) {
                return Err("the new certificate is not used".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        slowest = slowest.max(started.elapsed());
        replaced += 1;
    }
    Ok(format!("{replaced} certificates, each in use after {} at most", time(Some(slowest))))
}

async fn idle_port(arena: Arc<Arena>) -> Found {
    let mut held = Vec::new();
    for number in 0..300_u32 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("127.0.1.{}:0", 1 + number % 2).parse().unwrap()).unwrap();
        if let Ok(mut stream) = socket.connect(arena.server.tcp).await
            && stream.write_all(OPENING).await.is_ok()
        {
            held.push(stream);
        }
    }
    tokio::time::sleep_until(arena.until().into()).await;
    newcomer(&arena.port()).await?;
    Ok(format!("{} connections opened", held.len()))
}

/// Whether a client that comes now is let in.
async fn newcomer(target: &Target) -> Result<(), String> {
    match is_serving(target, "liveness").await {
        Some(true) => Ok(()),
        _ => Err("a new client is not let in".to_owned()),
    }
}

/// The argument that makes this program hold connections to a socket.
pub(crate) const HOLD: &str = "hold-connections";

/// Holds 300 connections to a socket until standard input ends: the server counts connections by process.
pub(crate) fn hold_connections(path: &str) {
    let held: Vec<_> = (0..300)
        .filter_map(|_| {
            let mut stream = std::os::unix::net::UnixStream::connect(path).ok()?;
            std::io::Write::write_all(&mut stream, OPENING).ok()?;
            Some(stream)
        })
        .collect();
    let _ = std::io::stdin().read(&mut [0]);
    drop(held);
}

async fn idle_socket(arena: Arc<Arena>) -> Found {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args([HOLD, &arena.server.unix.display().to_string()])
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    tokio::time::sleep_until(arena.until().into()).await;
    let let_in = newcomer(&arena.socket()).await;
    drop(holder.stdin.take());
    let _ = holder.wait();
    let_in.map(|()| String::new())
}

async fn descriptors(arena: Arc<Arena>) -> Found {
    let until = arena.until();
    // At once: a connection that the server cannot accept waits for seconds.
    let (mut holding, opened) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..600 {
        let (arena, opened) = (Arc::clone(&arena), Arc::clone(&opened));
        holding.spawn(async move {
            let Ok(mut stream) = arena.connect().await else { return };
            let _ = stream.write_all(OPENING).await;
            opened.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep_until(until.into()).await;
        });
    }
    let (started, cpu) = (Instant::now(), arena.server.cpu());
    tokio::time::sleep_until(until.into()).await;
    let spent = (arena.server.cpu() - cpu).as_secs_f64() / started.elapsed().as_secs_f64();
    let open = arena.server.descriptors();
    if spent > 0.5 {
        return Err(format!("without descriptors it computes {:.0} % of a CPU", spent * 100.0));
    }
    let opened = opened.load(Ordering::Relaxed);
    Ok(format!("{opened} connections opened, {open} descriptors"))
}

/// An empty message to a method that does not exist, and one that is refused.
fn failing(number: usize) -> (&'static str, Bytes) {
    if number.is_multiple_of(2) {
        ("/no.such.Service/Method", Bytes::new())
    } else {
        (GENERATE, Bytes::new())
    }
}

async fn unread_log(arena: Arc<Arena>) -> Found {
    let answers = callers(&arena, 32, Duration::from_secs(10), failing).await;
    answers.without(&["given up", "INTERNAL", "OK"])
}

async fn log_lines(arena: Arc<Arena>) -> Found {
    let (started, before) = (Instant::now(), arena.server.log().len());
    let until = arena.until();
    let path = arena.server.unix.clone();
    let refused = tokio::spawn(async move {
        let mut refused = 0;
        while Instant::now() < until {
            if let Ok(mut stream) = tokio::net::UnixStream::connect(&path).await {
                let _ = stream.read(&mut [0; 64]).await;
                refused += 1;
            }
        }
        refused
    });
    let answers = callers(&arena, 16, Duration::from_secs(10), failing).await;
    let refused = refused.await.unwrap();
    let bytes = arena.server.log().len() - before;
    let each_second = bytes / usize::try_from(started.elapsed().as_secs().max(1)).unwrap();
    if each_second > 64 << 10 {
        return Err(format!("{} KiB of log a second", each_second >> 10));
    }
    let found = answers.without(&["given up", "INTERNAL", "OK"])?;
    Ok(format!("{refused} refused connections, {found}, {each_second} bytes of log a second"))
}

/// A value that nothing may repeat.
const SECRET: &str = "hunter2-correct-horse";

async fn secrets(arena: Arc<Arena>) -> Found {
    use specd::api::pb::specd::{ProcessOptions, SpecOptions};
    let answers = callers(&arena, 8, Duration::from_secs(10), |number| {
        let env = vec![format!("PASSWORD={SECRET}")];
        let process = Some(ProcessOptions { env, ..Default::default() });
        let annotations = [("token".to_owned(), SECRET.to_owned())].into();
        let mut request = request(IMAGE, "attack");
        request.options = Some(SpecOptions { process, annotations, ..Default::default() }.into());
        if number % 2 == 1 {
            request.image = "registry.example/absent:1".to_owned();
        }
        (GENERATE, request.encode_to_vec().into())
    })
    .await;
    if arena.server.log().contains(SECRET) {
        return Err("the log has the value of a variable".to_owned());
    }
    answers.without(&["given up", "INTERNAL"])
}

async fn removed_socket(arena: Arc<Arena>) -> Found {
    let path = arena.server.unix.clone();
    let mut back = Vec::new();
    for replace in [false, true] {
        std::fs::remove_file(&path).map_err(|error| error.to_string())?;
        let started = Instant::now();
        if replace {
            // A file of somebody else stays: it is no socket, and it is not specd's.
            std::fs::write(&path, "").map_err(|error| error.to_string())?;
            tokio::time::sleep(Duration::from_secs(3)).await;
            if !std::fs::metadata(&path).is_ok_and(|found| found.is_file()) {
                return Err("a file in the place of the socket was removed".to_owned());
            }
            std::fs::remove_file(&path).map_err(|error| error.to_string())?;
        }
        let started = if replace { Instant::now() } else { started };
        while is_serving(&arena.socket(), "liveness").await != Some(true) {
            if started.elapsed() > Duration::from_secs(10) {
                return Err("the socket is not bound again".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        back.push(time(Some(started.elapsed())));
    }
    Ok(format!("bound again after {}", back.join(" and ")))
}

async fn sigterm(arena: Arc<Arena>) -> Found {
    // What honest clients see of each of these has a row of its own.
    arena.notes.enter(Phase::Uncounted);
    let mut attacking = JoinSet::new();
    attacking.spawn(crate::requests::heavy(Arc::clone(&arena), crate::requests::at_their_bounds()));
    attacking.spawn(crate::images::hostile(Arc::clone(&arena), None));
    attacking.spawn(crate::http2::window_0(Arc::clone(&arena)));
    attacking.spawn(crate::http2::half_open_calls(Arc::clone(&arena)));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let stopping = Arc::clone(&arena);
    let exit = tokio::task::spawn_blocking(move || stopping.server.stop()).await.unwrap();
    drop(attacking);
    Ok(format!("ended after {}", time(Some(exit.took))))
}
