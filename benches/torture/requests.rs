//! Requests that cost much, or that are wrong.

use crate::arena::Arena;
use crate::calls::{
    Answers, DEFECTS, EXPLAIN, GENERATE, GENERATE_PROCESS, GENERATE_RESOURCES, call_with, callers,
    name,
};
use crate::honest::request;
use crate::row::{Found, Row, STRICT};
use crate::support::api_fields::{self, ApiField, element_text};
use crate::support::http2;
use crate::support::layout::IMAGE;
use bytes::Bytes;
use prost::Message;
use specd::api::pb::specd::{
    CapabilityOptions, DeviceOptions, ExplainRequest, GenerateRequest, Hook, HookOptions,
    HostDevice, ProcessOptions, SeccompOptions, SecurityOptions, SpecOptions, StringList,
    seccomp_options,
};
use specd::domain::limits::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::{Request, Status};
use tonic_types::StatusExt;

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "heavy-fields",
        what: "16 callers fill every list, map and text of the API to its bound, one in each request",
        prepare: |_| {},
        attack: |arena| Box::pin(heavy(arena, at_their_bounds())),
        rules: STRICT,
    },
    Row {
        name: "heavy-fields-explained",
        what: "16 callers do the same with Explain",
        prepare: |_| {},
        attack: |arena| Box::pin(heavy(arena, explained(at_their_bounds()))),
        rules: STRICT,
    },
    Row {
        name: "1-mib-fields",
        what: "16 callers fill every list, map and text of the API until the request has 1 MiB",
        prepare: |_| {},
        attack: |arena| Box::pin(heavy(arena, of_a_mebibyte())),
        rules: STRICT,
    },
    Row {
        name: "merge-patches",
        what: "16 callers patch with 256 KiB of nulls, mounts, namespaces, capabilities, rlimits, nesting",
        prepare: |_| {},
        attack: |arena| Box::pin(heavy(arena, merge_patches())),
        rules: STRICT,
    },
    Row {
        name: "capabilities-all",
        what: "64 callers list ALL 250 times in each set of capabilities, half of them with Explain and hooks",
        prepare: |_| {},
        attack: |arena| Box::pin(capabilities_all(arena)),
        rules: STRICT,
    },
    Row {
        name: "undecodable",
        what: "16 callers send what is no message: noise, bad UTF-8, lengths beyond the end, a frame marked as compressed",
        prepare: |_| {},
        attack: |arena| Box::pin(undecodable(arena)),
        rules: STRICT,
    },
    Row {
        name: "fuzzed-calls",
        what: "16 callers send requests with every field of the API, with bytes changed, cut out and repeated",
        prepare: |_| {},
        attack: |arena| Box::pin(fuzzed(arena)),
        rules: STRICT,
    },
    Row {
        name: "refusals",
        what: "requests that must be refused, each with the reason of its own",
        prepare: |_| {},
        attack: |arena| Box::pin(refusals(arena)),
        rules: STRICT,
    },
];

/// A call of an attacker.
pub(crate) type Call = (&'static str, Bytes);

fn method(field: &ApiField) -> &'static str {
    match field.request.name() {
        "GenerateProcessRequest" => GENERATE_PROCESS,
        "GenerateResourcesRequest" => GENERATE_RESOURCES,
        _ => GENERATE,
    }
}

/// A request for each field, filled to its bound.
pub(crate) fn at_their_bounds() -> Vec<Call> {
    let calls = api_fields::all().into_iter().filter_map(|field| {
        let message = match field.bound() {
            Bound::Text(most) | Bound::Json(most) => field.with_text(&"x".repeat(most))?,
            Bound::List(_) | Bound::Texts(..) | Bound::Map(..) => {
                field.with_elements(field.most_elements(), &|at| element_text(&field, at))
            }
        };
        Some((method(&field), Bytes::from(message.encode_to_vec())))
    });
    calls.collect()
}

/// A request for each field with 1 MiB: lists and maps are sent in parts, which a decoder merges.
fn of_a_mebibyte() -> Vec<Call> {
    const MOST: usize = 1 << 20;
    let calls = api_fields::all().into_iter().filter_map(|field| {
        let bytes = if field.has_elements() {
            let part = field.with_elements(1_000, &|at| element_text(&field, at)).encode_to_vec();
            part.repeat((MOST / part.len()).max(1))
        } else {
            field.with_text(&"x".repeat(MOST - 200))?.encode_to_vec()
        };
        Some((method(&field), bytes.into()))
    });
    calls.collect()
}

fn explained(calls: Vec<Call>) -> Vec<Call> {
    let generates = calls.into_iter().filter(|(method, _)| *method == GENERATE);
    let explained = generates.map(|(_, bytes)| {
        let request = GenerateRequest::decode(bytes).unwrap();
        (EXPLAIN, Bytes::from(ExplainRequest { request: Some(request) }.encode_to_vec()))
    });
    explained.collect()
}

pub(crate) async fn heavy(arena: Arc<Arena>, calls: Vec<Call>) -> Found {
    let count = calls.len();
    let calls = Arc::new(calls);
    let answers = callers(&arena, 16, Duration::from_secs(30), move |number| {
        // The callers begin at different requests.
        calls[(number * 7) % calls.len()].clone()
    });
    let found = answers.await.without(DEFECTS)?;
    Ok(format!("{count} different requests; {found}"))
}

/// A Generate for the honest image with options.
fn with(options: SpecOptions) -> Bytes {
    let request = GenerateRequest { options: Some(options.into()), ..request(IMAGE, "attack") };
    request.encode_to_vec().into()
}

fn patched(patch: String) -> Bytes {
    with(SpecOptions { spec_merge_patch: Some(patch), ..Default::default() })
}

/// A JSON list of copies of a text.
fn list(of: &str, bytes: usize) -> String {
    let most = (bytes / (of.len() + 1)).max(1);
    format!("[{}]", vec![of; most].join(","))
}

fn merge_patches() -> Vec<Call> {
    const MOST: usize = 255 << 10;
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let nulls: Vec<String> = (0..19_000).map(|at| format!(r#""k{at}":null"#)).collect();
    let patches = [
        format!("{{{}}}", nulls.join(",")),
        format!(r#"{{"annotations":{{{}}}}}"#, nulls.join(",")),
        format!(
            r#"{{"mounts":{}}}"#,
            list(r#"{"destination":"/a","type":"tmpfs","source":"t"}"#, 40_000)
        ),
        format!(r#"{{"mounts":{}}}"#, list(r#"{"destination":"/a"}"#, MOST)),
        format!(r#"{{"linux":{{"namespaces":{}}}}}"#, list(r#"{"type":"pid"}"#, MOST)),
        format!(r#"{{"linux":{{"uidMappings":{}}}}}"#, list(r#"{"size":1}"#, MOST)),
        format!(
            r#"{{"process":{{"capabilities":{{"bounding":{}}}}}}}"#,
            list(r#""CAP_CHOWN""#, MOST)
        ),
        format!(r#"{{"process":{{"rlimits":{}}}}}"#, list(r#"{"type":"RLIMIT_CORE"}"#, MOST)),
        format!(r#"{{"process":{{"env":{}}}}}"#, list(r#""A=b""#, 8_000 * 6)),
        format!(r#"{{"process":{{"user":{{"additionalGids":{}}}}}}}"#, list("null", 4_000)),
        format!(
            r#"{{"linux":{{"seccomp":{{"syscalls":{}}}}}}}"#,
            list(r#"{"names":["read"],"action":"SCMP_ACT_ALLOW"}"#, 44_000)
        ),
        nested(30),
        nested(33),
        nested(40_000),
        "[".repeat(MOST),
        format!("\"{}\"", "\\u0041".repeat(MOST / 6)),
        list("1e308", MOST),
    ];
    patches.into_iter().map(|patch| (GENERATE, patched(patch))).collect()
}

async fn capabilities_all(arena: Arc<Arena>) -> Found {
    let all = || vec!["ALL".to_owned(); 250];
    let capabilities = CapabilityOptions {
        set: Some(StringList { values: all() }),
        add: all(),
        drop: all(),
        ambient: all(),
    };
    let hook = || Hook { path: "/bin/true".to_owned(), ..Default::default() };
    let hooks = HookOptions { create_runtime: vec![hook(); 250], ..Default::default() };
    let options = SpecOptions {
        capabilities: Some(capabilities.clone()),
        hooks: Some(hooks),
        ..Default::default()
    };
    let generate = with(SpecOptions { capabilities: Some(capabilities), ..Default::default() });
    let explained = GenerateRequest { options: Some(options.into()), ..request(IMAGE, "attack") };
    let explain = Bytes::from(ExplainRequest { request: Some(explained) }.encode_to_vec());
    let answers = callers(&arena, 64, Duration::from_secs(30), move |number| {
        if number % 2 == 0 { (GENERATE, generate.clone()) } else { (EXPLAIN, explain.clone()) }
    });
    answers.await.without(DEFECTS)
}

/// Numbers that look random and follow from a seed.
fn random(seed: usize) -> impl FnMut(usize) -> usize {
    let mut rng = fastrand::Rng::with_seed(seed as u64);
    move |below| rng.usize(..below)
}

async fn undecodable(arena: Arc<Arena>) -> Found {
    let whole = request(IMAGE, "attack").encode_to_vec();
    let answers = callers(&arena, 16, Duration::from_secs(30), move |number| {
        let mut random = random(number);
        let bytes = match number % 5 {
            0 => (0..random(4096)).map(|_| random(256) as u8).collect(),
            // A text that is not UTF-8.
            1 => [b"\x0a\x04\xff\xfe\xfd\xfc".as_slice(), &whole].concat(),
            // A length beyond the end.
            2 => [&whole[..], b"\x0a\xff\xff\xff\xff\x0f"].concat(),
            // A group that never ends, and a field with the number 0.
            3 => [b"\x0b".repeat(1 + random(4000)), b"\x00".to_vec()].concat(),
            _ => whole[..1 + random(whole.len() - 1)].to_vec(),
        };
        (GENERATE, bytes.into())
    });
    answers.await.without(DEFECTS)
}

async fn fuzzed(arena: Arc<Arena>) -> Found {
    let seeds =
        Arc::new([at_their_bounds(), explained(at_their_bounds()), merge_patches()].concat());
    // Long ones are looked at elsewhere; here it is the number that counts.
    let seeds: Arc<Vec<Call>> =
        Arc::new(seeds.iter().filter(|(_, bytes)| bytes.len() < 20_000).cloned().collect());
    let answers = callers(&arena, 16, Duration::from_secs(30), move |number| {
        let mut random = random(number);
        let (method, bytes) = &seeds[random(seeds.len())];
        let mut bytes = bytes.to_vec();
        for _ in 0..=random(8) {
            let at = random(bytes.len());
            let end = at + random((bytes.len() - at).min(64)) + 1;
            match random(5) {
                0 => bytes[at] ^= 1 << random(8),
                1 => bytes[at] = random(256) as u8,
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let piece = bytes[at..end].to_vec();
                    let to = random(bytes.len());
                    bytes.splice(to..to, piece);
                }
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        (*method, bytes.into())
    });
    answers.await.without(DEFECTS)
}

/// A request, and what must be refused about it.
struct Refused {
    what: &'static str,
    request: Request<Bytes>,
    code: &'static str,
    reason: &'static str,
}

impl Refused {
    fn new(what: &'static str, message: Bytes, code: &'static str, reason: &'static str) -> Self {
        Self { what, request: Request::new(message), code, reason }
    }
}

fn refused() -> Vec<Refused> {
    let invalid =
        |what, options| Refused::new(what, with(options), "INVALID_ARGUMENT", "INVALID_REQUEST");
    let host = |path: &str| {
        let host = vec![HostDevice { path: path.to_owned(), ..Default::default() }];
        SpecOptions {
            devices: Some(DeviceOptions { host, ..Default::default() }),
            ..Default::default()
        }
    };
    let cwd = |path: &str| {
        let process = ProcessOptions { cwd: Some(path.to_owned()), ..Default::default() };
        SpecOptions { process: Some(process), ..Default::default() }
    };
    let patch =
        |text: &str| SpecOptions { spec_merge_patch: Some(text.to_owned()), ..Default::default() };
    let policy = |text: String| {
        let seccomp = SeccompOptions { kind: Some(seccomp_options::Kind::DockerPolicy(text)) };
        let security = SecurityOptions { seccomp: Some(seccomp), ..Default::default() };
        SpecOptions { security: Some(security), ..Default::default() }
    };
    vec![
        Refused::new(
            "bad UTF-8",
            Bytes::from_static(b"\x0a\x02\xff\xfe"),
            "INVALID_ARGUMENT",
            "INVALID_REQUEST",
        ),
        Refused::new(
            "noise",
            Bytes::from_static(b"\xff\xff\xff"),
            "INVALID_ARGUMENT",
            "INVALID_REQUEST",
        ),
        invalid("a file that is no device", host("/etc/group")),
        invalid("a path that does not exist", host("/proc/self/task/none")),
        invalid(
            "null as a group in a merge patch",
            patch(r#"{"process":{"user":{"additionalGids":[null]}}}"#),
        ),
        invalid("a working directory through a descriptor", cwd("/proc/self/fd/7")),
        invalid("deep JSON", policy("[".repeat(100_000))),
        Refused::new(
            "1 MiB and more",
            vec![0; (1 << 20) + 1].into(),
            "RESOURCE_EXHAUSTED",
            "LIMIT_EXCEEDED",
        ),
    ]
}

async fn refusals(arena: Arc<Arena>) -> Found {
    let until = arena.until();
    let mut answers = Answers::default();
    let channel = arena.channel();
    while Instant::now() < until {
        let late = status_of_a_call_without_time(&arena).await?;
        if late != "4" {
            return Err(format!("grpc-timeout 0n: status {late} instead of 4, DEADLINE_EXCEEDED"));
        }
        for Refused { what, request, code, reason } in refused() {
            let answer = call_with(channel.clone(), GENERATE, request).await;
            let found = name(&answer);
            let why = answer.as_ref().map_or_else(reason_of, |_| String::new());
            if (found.as_str(), why.as_str()) != (code, reason) {
                return Err(format!("{what}: {found} {why:?} instead of {code} {reason}"));
            }
            if let Err(status) = &answer
                && (status.message().contains("passwd") || status.message().contains("environ"))
            {
                return Err(format!("{what}: it lists a file of the host: {}", status.message()));
            }
            answers.count(found);
        }
    }
    answers.without(&["OK"])
}

/// The status of a call with the time `0n`, as it is in the answer: a gRPC client would end the call itself.
async fn status_of_a_call_without_time(arena: &Arc<Arena>) -> Result<String, String> {
    let message = with(SpecOptions::default());
    let framed =
        [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), &message].concat();
    let block = http2::call(GENERATE, &[("grpc-timeout", "0n")]);
    let call = [
        http2::OPENING.to_vec(),
        http2::frame(http2::HEADERS, http2::END_HEADERS, 1, &block),
        http2::frame(http2::DATA, http2::END_STREAM, 1, &framed),
    ];
    let answered = async {
        let mut stream = arena.connect().await?;
        stream.write_all(&call.concat()).await?;
        let mut decoder = httlib_hpack::Decoder::default();
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            stream.read_exact(&mut payload).await?;
            if head[3] == http2::HEADERS {
                let mut fields = Vec::new();
                decoder.decode(&mut payload, &mut fields).map_err(|error| {
                    std::io::Error::other(format!("the header block: {error:?}"))
                })?;
                let status = fields.into_iter().find(|(name, ..)| name == b"grpc-status");
                if let Some((_, value, _)) = status {
                    return Ok(String::from_utf8_lossy(&value).into_owned());
                }
            }
        }
    };
    let answered = tokio::time::timeout(Duration::from_secs(10), answered).await;
    let answered: std::io::Result<String> = answered.map_err(|_| "no answer within 10 s")?;
    answered.map_err(|error| error.to_string())
}

fn reason_of(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}
