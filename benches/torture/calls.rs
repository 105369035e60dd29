//! Attackers that are gRPC clients: any bytes as a message, and a count of the answers.

use crate::arena::Arena;
use crate::honest::code_name;
use bytes::{Buf, BufMut, Bytes};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Request, Status};

pub(crate) const GENERATE: &str = "/specd.v1.SpecService/Generate";
pub(crate) const GENERATE_PROCESS: &str = "/specd.v1.SpecService/GenerateProcess";
pub(crate) const GENERATE_RESOURCES: &str = "/specd.v1.SpecService/GenerateResources";
pub(crate) const EXPLAIN: &str = "/specd.v1.SpecService/Explain";
pub(crate) const LIST_PROFILES: &str = "/specd.v1.SpecService/ListProfiles";

/// A codec that leaves bytes as they are.
#[derive(Debug, Clone, Copy, Default)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// A call with bytes.
pub(crate) async fn call(
    channel: Channel,
    method: &'static str,
    message: Bytes,
) -> Result<Bytes, Status> {
    call_with(channel, method, Request::new(message)).await
}

/// A call with bytes and metadata.
pub(crate) async fn call_with(
    channel: Channel,
    method: &'static str,
    request: Request<Bytes>,
) -> Result<Bytes, Status> {
    let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(64 << 20);
    let ready = client.ready().await;
    ready.map_err(|error| Status::unavailable(error.to_string()))?;
    let path = http::uri::PathAndQuery::from_static(method);
    client.unary(request, path, Plain).await.map(tonic::Response::into_inner)
}

/// How calls ended, by the name of the code.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers(pub(crate) BTreeMap<String, usize>);

impl Answers {
    pub(crate) fn count(&mut self, name: String) {
        *self.0.entry(name).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (name, count) in other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }

    pub(crate) fn of(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> usize {
        self.0.values().sum()
    }

    /// The counts, or an error where one of these is among them, or where there was no answer at all.
    pub(crate) fn without(&self, names: &[&str]) -> Result<String, String> {
        if let Some(name) = names.iter().find(|name| self.of(name) > 0) {
            return Err(format!("{name} was answered: {self}"));
        }
        if self.all() == 0 { Err("no call was answered".to_owned()) } else { Ok(self.to_string()) }
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> =
            self.0.iter().map(|(name, count)| format!("{count} {name}")).collect();
        f.write_str(&if parts.is_empty() { "no calls".to_owned() } else { parts.join(", ") })
    }
}

/// The name of an answer.
pub(crate) fn name<T>(answer: &Result<T, Status>) -> String {
    match answer {
        Ok(_) => "OK".to_owned(),
        Err(status) => code_name(status.code()),
    }
}

/// Codes that mean a defect, whatever the request was.
pub(crate) const DEFECTS: &[&str] = &["INTERNAL", "UNKNOWN", "DATA_LOSS"];

/// So many callers, each with a connection, that call again and again until the attack ends, and give up a call after a
/// while. The function makes the messages, which are numbered over all callers.
pub(crate) async fn callers(
    arena: &Arc<Arena>,
    count: usize,
    patience: Duration,
    message: impl Fn(usize) -> (&'static str, Bytes) + Clone + Send + Sync + 'static,
) -> Answers {
    let until = arena.until();
    let mut tasks = JoinSet::new();
    for caller in 0..count {
        let (channel, message) = (arena.channel(), message.clone());
        tasks.spawn(async move {
            let mut answers = Answers::default();
            for nth in 0.. {
                if Instant::now() >= until {
                    break;
                }
                let (method, bytes) = message(nth * count + caller);
                let answer =
                    tokio::time::timeout(patience, call(channel.clone(), method, bytes)).await;
                answers
                    .count(answer.map_or_else(|_| "given up".to_owned(), |answer| name(&answer)));
            }
            answers
        });
    }
    let mut all = Answers::default();
    while let Some(answers) = tasks.join_next().await {
        all.add(answers.unwrap());
    }
    all
}
