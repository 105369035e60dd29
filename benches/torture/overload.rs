//! Ten times as many callers as the server can answer at its best, and none of them waits before the next call.
//!
//! These clients cost as little as possible, since they share the CPUs with the server: frames are written and counted as
//! bytes, and no header is decoded. A stream with DATA was answered, one that ends with its first HEADERS was shed.
//!
//! A few of them run as soon as they can, as if they had CPUs of their own. Their latencies are those of the server; those of the
//! others include their waits for a CPU.

use crate::arena::Arena;
use crate::calls::GENERATE;
use crate::honest::{percentile, request};
use crate::row::{Found, Row, Rules, STRICT, time};
use crate::support::http2::{
    DATA, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame,
    whole_call,
};
use crate::support::layout::IMAGE;
use prost::Message;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

pub(crate) const ROWS: &[Row] = &[Row {
    name: "overload",
    what: "ten times as many callers as the best goodput takes, without a pause",
    prepare: |_| {},
    attack: |arena| Box::pin(overload(arena)),
    // The honest clients may be among those that are shed.
    rules: Rules { errors: &["RESOURCE_EXHAUSTED"], latency: Some(5), ..STRICT },
}];

/// How long each number of callers is measured.
const EACH: Duration = Duration::from_secs(2);

/// Callers of which the best goodput is taken, and the part of it that is as good.
const PEAK: [(usize, usize); 3] = [(8, 1), (8, 4), (16, 4)];
const ENOUGH: f64 = 0.95;

/// The bounds: of the best goodput, and of the time to shed. The latency of answered calls is judged by the honest clients, as in other
/// rows: that of these callers is their number by the goodput, unless nearly all of their calls are shed.
const GOODPUT: f64 = 0.9;
const SHED: Duration = Duration::from_millis(50);

/// One in so many connections is that of prompt callers.
const PROMPT: usize = 4;

/// The latencies that callers saw, in microseconds.
#[derive(Default)]
struct Seen {
    answered: Vec<u32>,
    shed: Vec<u32>,
}

/// What all callers saw.
#[derive(Default)]
struct Load {
    /// What prompt callers saw.
    prompt: Seen,
    /// How many calls were answered, and how many were shed.
    answered: usize,
    shed: usize,
    broken: usize,
    took: Duration,
}

impl Load {
    fn goodput(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

async fn overload(arena: Arc<Arena>) -> Found {
    let alone = load(&arena, 1, 1).await;
    let mut loads = Vec::new();
    for (connections, streams) in PEAK {
        let goodput = load(&arena, connections, streams).await.goodput();
        loads.push((goodput, connections * streams));
    }
    let peak = loads.iter().map(|(goodput, _)| *goodput).fold(0.0, f64::max);
    let enough = loads.iter().find(|(goodput, _)| *goodput >= ENOUGH * peak);
    let callers = enough.map_or(1, |(_, callers)| *callers);
    let mut words = vec![format!("{peak:.0} a second, nearly as many with {callers} callers")];
    let mut faults = Vec::new();
    // With few and with many streams on a connection.
    for (connections, streams) in [(callers * 10 / 16, 16), (callers * 10 / 100, 100)] {
        let loaded = load(&arena, connections.max(1), streams).await;
        let [shed, answered, unloaded] =
            [&loaded.prompt.shed, &loaded.prompt.answered, &alone.prompt.answered]
                .map(|latencies| percentile(latencies, 99));
        let share = loaded.goodput() / peak;
        words.push(format!(
            "{} on {connections} connections: {:.0} % of that, {} shed within {}, answered within {} (alone {})",
            connections.max(1) * streams,
            share * 100.0,
            loaded.shed,
            time(shed),
            time(answered),
            time(unloaded),
        ));
        if share < GOODPUT {
            faults.push(format!("goodput {:.0} % of the best", share * 100.0));
        }
        if shed.is_some_and(|shed| shed > SHED) {
            faults.push(format!("shed after {}", time(shed)));
        }
        if loaded.broken > 0 {
            faults.push(format!("{} connections broke", loaded.broken));
        }
    }
    if faults.is_empty() {
        Ok(words.join("; "))
    } else {
        Err(format!("{} ({})", faults.join(", "), words.join("; ")))
    }
}

async fn load(arena: &Arc<Arena>, connections: usize, streams: usize) -> Load {
    let started = Instant::now();
    let until = started + EACH;
    let attackers = Handle::current();
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let shared = Arc::clone(arena);
        let is_prompt = number.is_multiple_of(PROMPT);
        let calling = async move {
            let mut seen = Seen::default();
            let ended = callers(&shared, streams, until, &mut seen).await;
            (is_prompt, seen, ended.is_none())
        };
        tasks.spawn_on(calling, if is_prompt { &arena.prompt } else { &attackers });
    }
    let mut load = Load::default();
    while let Some(ended) = tasks.join_next().await {
        let (is_prompt, seen, is_broken) = ended.unwrap();
        load.answered += seen.answered.len();
        load.shed += seen.shed.len();
        load.broken += usize::from(is_broken);
        if is_prompt {
            load.prompt.answered.extend(seen.answered);
            load.prompt.shed.extend(seen.shed);
        }
    }
    load.took = started.elapsed();
    load
}

/// So many callers on one connection; nothing if it breaks.
async fn callers(arena: &Arena, streams: usize, until: Instant, seen: &mut Seen) -> Option<()> {
    let message = request(IMAGE, "attack").encode_to_vec();
    let mut stream = arena.connect().await.ok()?;
    // Windows as large as they can be, so that the server never waits for them.
    let mut opening = PREFACE.to_vec();
    let largest = 0x7fff_ffff_u32.to_be_bytes();
    opening.extend(frame(SETTINGS, 0, 0, &[&[0, 4], &largest[..]].concat()));
    opening.extend(frame(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes()));
    stream.write_all(&opening).await.ok()?;

    let mut next = 1;
    // What the server lets this connection send.
    let mut window = 65_535_i64;
    let mut begun: HashMap<u32, (Instant, bool)> = HashMap::new();
    let mut unread: Vec<u8> = Vec::new();
    let mut out = Vec::new();
    loop {
        if Instant::now() >= until {
            return Some(());
        }
        while begun.len() < streams && window > 1000 {
            out.extend(whole_call(next, GENERATE, &message));
            window -= message.len() as i64 + 5;
            begun.insert(next, (Instant::now(), false));
            next += 2;
        }
        stream.write_all(&out).await.ok()?;
        out.clear();
        let read = tokio::time::timeout_at(until.into(), stream.read_buf(&mut unread)).await;
        match read {
            Err(_) => return Some(()),
            Ok(Ok(count)) if count > 0 => {}
            _ => return None,
        }
        let now = Instant::now();
        let mut at = 0;
        while let Some(head) = unread.get(at..at + 9) {
            let length =
                usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let Some(payload) = unread.get(at + 9..at + 9 + length) else { break };
            let (kind, flags) = (head[3], head[4]);
            let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            match kind {
                DATA => {
                    if let Some((_, answered)) = begun.get_mut(&id) {
                        *answered = true;
                    }
                }
                HEADERS if flags & END_STREAM != 0 => {
                    if let Some((started, answered)) = begun.remove(&id) {
                        let took = u32::try_from((now - started).as_micros()).unwrap_or(u32::MAX);
                        if answered { seen.answered.push(took) } else { seen.shed.push(took) }
                    }
                }
                RST_STREAM => drop(begun.remove(&id)),
                SETTINGS if flags & 1 == 0 => out.extend(frame(SETTINGS, 1, 0, &[])),
                WINDOW_UPDATE if id == 0 => {
                    let more = [payload[0], payload[1], payload[2], payload[3]];
                    window += i64::from(u32::from_be_bytes(more));
                }
                GOAWAY => return None,
                _ => {}
            }
            at += 9 + length;
        }
        unread.drain(..at);
    }
}
