//! A mixed load for a longer time, and the reference for all other rows: nothing but work on the same CPUs.

use crate::arena::{Arena, Stage};
use crate::calls::{Answers, EXPLAIN, GENERATE, LIST_PROFILES, call, name};
use crate::honest::request;
use crate::row::{Found, Row, Rules, STRICT};
use crate::support::layout::{Gzip, IMAGE, file};
use bytes::Bytes;
use prost::Message;
use serde_json::json;
use specd::api::pb::specd::{ExplainRequest, GenerateRequest, ProcessOptions, SpecOptions};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "nothing",
        what: "no attack: two threads of the attackers compute, for comparison",
        prepare: |_| {},
        attack: |arena| Box::pin(nothing(arena)),
        rules: STRICT,
    },
    Row {
        name: "soak",
        what: "64 callers of 20 images in 10 namespaces, right and wrong requests, Explain, calls that are given up",
        prepare: |stage| {
            stage.seconds = seconds().unwrap_or(stage.seconds);
            images(stage);
        },
        attack: |arena| Box::pin(soak(arena)),
        rules: Rules { latency: None, ..STRICT },
    },
];

/// How long the soak takes, where the variable says so.
fn seconds() -> Option<u64> {
    std::env::var("SOAK").ok()?.parse().ok()
}

async fn nothing(arena: Arc<Arena>) -> Found {
    let until = arena.until();
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        tasks.spawn(async move {
            let mut rounds = 0_u64;
            while Instant::now() < until {
                rounds = black_box(rounds + 1);
            }
        });
    }
    tasks.join_all().await;
    Ok(String::new())
}

const IMAGES: usize = 20;
const NAMESPACES: usize = 10;
const CALLERS: usize = 64;

/// The time between two calls of a caller: 64 callers are far from what the server can do.
const PACE: Duration = Duration::from_millis(50);

fn image(number: usize) -> String {
    format!("registry.example/soak-{number}:1")
}

fn images(stage: &mut Stage) {
    for number in 0..IMAGES {
        let passwd = format!("root:x:0:0::/:/bin/sh\napp:x:{number}:{number}::/:/bin/sh\n");
        let layer = stage.layout.layer(Gzip, &[file("etc/passwd", passwd)]);
        let config = json!({"config": {"User": "app", "Cmd": ["x"]}});
        let made = stage.layout.image(config, &[layer]);
        stage.layout.tag(&image(number), &made.manifest);
    }
}

/// One of the calls, by a number.
fn mixed(number: usize) -> (&'static str, Bytes) {
    let namespace = format!("soak-{}", number % NAMESPACES);
    let request = request(&image(number % IMAGES), &namespace);
    let env = (0..number % 200).map(|at| format!("VARIABLE_{at}={number}")).collect();
    let process = Some(ProcessOptions { env, ..Default::default() });
    let options = Some(SpecOptions { process, ..Default::default() });
    match number % 8 {
        0 => {
            let request = Some(request);
            (EXPLAIN, ExplainRequest { request }.encode_to_vec().into())
        }
        1 => (LIST_PROFILES, Bytes::new()),
        2 => (GENERATE, Bytes::from_static(b"\xff")),
        3 => {
            let image = "registry.example/absent:1".to_owned();
            (GENERATE, GenerateRequest { image, ..request }.encode_to_vec().into())
        }
        4 => {
            let profile = "docker".to_owned();
            (
                GENERATE,
                GenerateRequest { profile, image: IMAGE.to_owned(), ..request }
                    .encode_to_vec()
                    .into(),
            )
        }
        _ => (
            GENERATE,
            GenerateRequest { options: options.map(Box::new), ..request }.encode_to_vec().into(),
        ),
    }
}

async fn soak(arena: Arc<Arena>) -> Found {
    let (started, until) = (Instant::now(), arena.until());
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let arena = Arc::clone(&arena);
        tasks.spawn(async move {
            let (mut answers, mut channel) = (Answers::default(), arena.channel());
            for nth in 0_usize.. {
                if Instant::now() >= until {
                    break;
                }
                let pause = tokio::time::sleep(PACE);
                // Connections come and go.
                if nth % 100 == 99 {
                    channel = arena.channel();
                }
                let number = nth * CALLERS + caller;
                let (method, bytes) = mixed(number);
                // One call of fifty is given up in the middle.
                let gives_up = number % 50 == 7;
                let patience = Duration::from_millis(if gives_up { 1 } else { 10_000 });
                let answer = tokio::time::timeout(patience, call(channel.clone(), method, bytes));
                match answer.await {
                    Ok(answer) => answers.count(name(&answer)),
                    Err(_) if gives_up => answers.count("given up".to_owned()),
                    Err(_) => answers.count("lost".to_owned()),
                }
                pause.await;
            }
            answers
        });
    }
    // Caches and pools are full after a tenth of the time.
    tokio::time::sleep((until - started) / 10).await;
    let (memory, descriptors) = (arena.server.memory(), arena.server.descriptors());
    let mut answers = Answers::default();
    while let Some(more) = tasks.join_next().await {
        answers.add(more.unwrap());
    }
    let (last, left) = (arena.server.memory(), arena.server.descriptors());
    let found = answers.without(&["INTERNAL", "UNKNOWN", "lost"])?;
    let found = format!(
        "{} s; {found}; {} MiB and {descriptors} descriptors after a tenth, {} MiB and {left} at the end",
        started.elapsed().as_secs(),
        memory >> 20,
        last >> 20,
    );
    if last > memory + memory / 4 + (8 << 20) || left > descriptors + 32 {
        return Err(format!("it grows: {found}"));
    }
    Ok(found)
}
