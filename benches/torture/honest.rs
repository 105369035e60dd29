//! The honest clients beside an attack: they call at fixed times, whether earlier calls are answered or not, compare each
//! answer with that of a quiet server, and probe health as the kubelet does.

use crate::support::layout::IMAGE;
use specd::api::pb::specd::{
    GenerateRequest, GenerateResponse, ProcessOptions, SpecOptions, SpecServiceClient,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// How many clients there are, each with a connection of its own, and the time between two calls of one.
const CLIENTS: usize = 4;
const PACE: Duration = Duration::from_millis(20);

/// The time between two health probes, and between two clients that connect, call once and leave.
const PROBES: Duration = Duration::from_millis(200);

/// The deadline of a call, and what a client waits beyond it before it takes the call for lost.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_secs(1);

/// The time that the kubelet gives a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Where clients connect.
#[derive(Clone)]
pub(crate) enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
    Tls(SocketAddr, Box<ClientTlsConfig>),
}

impl Target {
    pub(crate) fn endpoint(&self) -> Endpoint {
        let uri = match self {
            Self::Tcp(address) => format!("http://{address}"),
            Self::Unix(path) => format!("unix://{}", path.display()),
            Self::Tls(address, _) => format!("https://{address}"),
        };
        let endpoint = Endpoint::from_shared(uri).unwrap().connect_timeout(DEADLINE);
        match self {
            Self::Tls(_, config) => endpoint.tls_config((**config).clone()).unwrap(),
            Self::Tcp(_) | Self::Unix(_) => endpoint,
        }
    }
}

/// When a call was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Before,
    During,
    After,
    /// At a time that does not count, for example after the server was asked to end.
    Uncounted,
}

const PHASES: [Phase; 4] = [Phase::Before, Phase::During, Phase::After, Phase::Uncounted];

/// What the clients saw in one phase.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Of each answered call, from the time at which it was due, in microseconds.
    latencies: Vec<u32>,
    /// By the name of the code, or of what happened instead.
    pub(crate) errors: BTreeMap<String, usize>,
    /// Answers that differ from those of a quiet server.
    pub(crate) wrong: usize,
    pub(crate) probes: usize,
    pub(crate) missed: usize,
}

impl Seen {
    /// The latency that 99 of 100 calls do not exceed.
    pub(crate) fn p99(&self) -> Option<Duration> {
        percentile(&self.latencies, 99)
    }

    pub(crate) fn calls(&self) -> usize {
        self.latencies.len() + self.failed()
    }

    pub(crate) fn failed(&self) -> usize {
        self.errors.values().sum()
    }
}

/// A percentile of latencies in microseconds.
pub(crate) fn percentile(latencies: &[u32], percent: usize) -> Option<Duration> {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent).div_ceil(100).checked_sub(1)?;
    Some(Duration::from_micros(sorted[at].into()))
}

/// The phase and what was seen, which clients and attacks share.
#[derive(Default)]
pub(crate) struct Notes {
    phase: AtomicUsize,
    seen: [Mutex<Seen>; 4],
    /// Calls that are neither answered nor lost.
    open: [AtomicUsize; 4],
}

impl Notes {
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as usize, Ordering::SeqCst);
    }

    pub(crate) fn phase(&self) -> Phase {
        PHASES[self.phase.load(Ordering::SeqCst)]
    }

    pub(crate) fn seen(&self, phase: Phase) -> Seen {
        self.seen[phase as usize].lock().unwrap().clone()
    }

    /// Waits until no call of a phase is open.
    pub(crate) async fn ended(&self, phase: Phase) {
        while self.open[phase as usize].load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn note(&self, phase: Phase, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen[phase as usize].lock().unwrap());
    }
}

/// A request of the clients, and its only right answer.
struct Asked {
    request: GenerateRequest,
    answer: GenerateResponse,
}

/// The clients at their work.
pub(crate) struct Honest(JoinSet<()>);

/// Requests of different size and cost: plain, with a seccomp policy, and with options.
fn requests() -> Vec<GenerateRequest> {
    let plain = request(IMAGE, "honest");
    let docker = GenerateRequest { profile: "docker".to_owned(), ..plain.clone() };
    let env = (0..20).map(|at| format!("VARIABLE_{at}=value")).collect();
    let process = Some(ProcessOptions { env, ..Default::default() });
    let options =
        Some(SpecOptions { process, hostname: Some("honest".to_owned()), ..Default::default() });
    vec![plain.clone(), docker, GenerateRequest { options: options.map(Box::new), ..plain }]
}

/// A request without options.
pub(crate) fn request(image: &str, namespace: &str) -> GenerateRequest {
    GenerateRequest {
        image: image.to_owned(),
        namespace: namespace.to_owned(),
        id: "app-1".to_owned(),
        ..Default::default()
    }
}

impl Honest {
    /// Asks a quiet server for the right answers, and starts the clients.
    pub(crate) async fn start(
        targets: &[Target],
        health: SocketAddr,
        notes: Arc<Notes>,
    ) -> Result<Self, String> {
        let mut asked = Vec::new();
        let mut client = SpecServiceClient::new(targets[0].endpoint().connect_lazy());
        for request in requests() {
            let answer = client.generate(request.clone()).await;
            let answer = answer.map_err(|status| format!("no first answer: {status}"))?;
            asked.push(Asked { request, answer: answer.into_inner() });
        }
        let asked = Arc::new(asked);
        let mut tasks = JoinSet::new();
        for number in 0..CLIENTS {
            let channel = targets[number % targets.len()].endpoint().connect_lazy();
            tasks.spawn(call_at_a_pace(channel, Arc::clone(&asked), Arc::clone(&notes)));
        }
        for target in targets {
            tasks.spawn(newcomers(target.clone(), Arc::clone(&asked), Arc::clone(&notes)));
        }
        tasks.spawn(probe(health, Arc::clone(&notes)));
        Ok(Self(tasks))
    }

    pub(crate) async fn stop(mut self) {
        self.0.shutdown().await;
    }
}

/// Calls at fixed times.
async fn call_at_a_pace(channel: Channel, asked: Arc<Vec<Asked>>, notes: Arc<Notes>) {
    let mut due = tokio::time::interval(PACE);
    let mut calls = JoinSet::new();
    for number in 0.. {
        let at = due.tick().await;
        while calls.try_join_next().is_some() {}
        let client = SpecServiceClient::new(channel.clone());
        let (asked, notes) = (Arc::clone(&asked), Arc::clone(&notes));
        let phase = notes.phase();
        notes.open[phase as usize].fetch_add(1, Ordering::SeqCst);
        calls.spawn(async move {
            let asked = &asked[number % asked.len()];
            let answer = call(client, asked).await;
            note(&notes, phase, asked, answer, at.elapsed());
            notes.open[phase as usize].fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn call(
    mut client: SpecServiceClient<Channel>,
    asked: &Asked,
) -> Option<Result<GenerateResponse, Status>> {
    let mut request = Request::new(asked.request.clone());
    request.set_timeout(DEADLINE);
    let answer = tokio::time::timeout(DEADLINE + GRACE, client.generate(request)).await;
    Some(answer.ok()?.map(tonic::Response::into_inner))
}

fn note(
    notes: &Notes,
    phase: Phase,
    asked: &Asked,
    answer: Option<Result<GenerateResponse, Status>>,
    took: Duration,
) {
    notes.note(phase, |seen| match answer {
        Some(Ok(answer)) => {
            seen.wrong += usize::from(answer != asked.answer);
            seen.latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
        Some(Err(status)) => *seen.errors.entry(name(&status)).or_default() += 1,
        None => *seen.errors.entry("lost".to_owned()).or_default() += 1,
    });
}

/// The name of a code. An error that the client made itself, for example without a connection, has a name of its own.
fn name(status: &Status) -> String {
    match (std::error::Error::source(status), status.code()) {
        (None, code) => code_name(code),
        (Some(_), Code::Cancelled) => "lost".to_owned(),
        (Some(_), _) => "no connection".to_owned(),
    }
}

/// A code as the documents write it.
pub(crate) fn code_name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// Clients that connect, call once and leave.
async fn newcomers(target: Target, asked: Arc<Vec<Asked>>, notes: Arc<Notes>) {
    let mut due = tokio::time::interval(PROBES);
    loop {
        let at = due.tick().await;
        let phase = notes.phase();
        let client = SpecServiceClient::new(target.endpoint().connect_lazy());
        let answer = call(client, &asked[0]).await;
        // The time to connect is not part of a call: only whether there is an answer counts.
        match answer {
            Some(Ok(answer)) if answer == asked[0].answer => {}
            answer => note(&notes, phase, &asked[0], answer, at.elapsed()),
        }
    }
}

/// Probes health as the kubelet does, on a connection of its own each time.
async fn probe(health: SocketAddr, notes: Arc<Notes>) {
    let mut due = tokio::time::interval(PROBES);
    loop {
        due.tick().await;
        let phase = notes.phase();
        let alive = is_serving(&Target::Tcp(health), "liveness").await == Some(true);
        notes.note(phase, |seen| {
            seen.probes += 1;
            seen.missed += usize::from(!alive);
        });
    }
}

/// What health says of a service, on a new connection; nothing where it does not answer within the time of a probe.
pub(crate) async fn is_serving(target: &Target, service: &str) -> Option<bool> {
    let asked = async {
        let channel = target.endpoint().connect().await.ok()?;
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(channel).check(request).await.ok()?;
        Some(answer.into_inner().status() == ServingStatus::Serving)
    };
    tokio::time::timeout(PROBE_TIMEOUT, asked).await.ok()?
}

/// Waits until health says so, and returns how long that took; nothing where it takes longer than the patience.
pub(crate) async fn becomes(
    target: &Target,
    service: &str,
    serving: bool,
    patience: Duration,
) -> Option<Duration> {
    let started = Instant::now();
    while is_serving(target, service).await != Some(serving) {
        if started.elapsed() > patience {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Some(started.elapsed())
}
