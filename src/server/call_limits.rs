//! The limits of calls, as one layer: how long a request may take to arrive, how many calls may be in flight, the
//! statuses of what exceeds that, and which answers are compressed.
//!
//! A call takes a place when its request has arrived whole, and gives it back when its answer is ready: neither a client
//! that does not finish its request nor one that does not take its answer holds one.
//!
//! Places bound the memory of all calls; turns bound how many of them want a CPU. A call has a turn before anything is done
//! for it, and gives it back early if it waits for something else, such as a slow containerd.
//!
//! Health checks and reflection need neither: a server at its limit is alive, and an operator must be able to inspect it.

use crate::call_time::CallTime;
use crate::server::callee::Callee;
use crate::server::code::is_undecoded;
use crate::server::listen::Peer;
use crate::server::metrics::Metrics;
use crate::server::places::Owner;
use crate::server::receive::{Arriving, NotReceived, Whole};
use crate::server::transit::Transit;
use crate::server::turns::{Patience, Turn, Turns};
use crate::workers::{QueueFull, SMALL_REQUEST, Workers};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;

/// The services that are exempt from the limit of calls in flight.
const EXEMPT: [&str; 2] = ["/grpc.health.", REFLECTION];

/// The only service with requests that are streams.
const REFLECTION: &str = "/grpc.reflection.";

/// How long a call waits for its turn, before it is refused. A refusal is answered within 50 ms.
const PATIENCE: Patience =
    Patience { in_order: Duration::from_millis(20), most: Duration::from_millis(25) };

/// The limits of calls, and the statuses of calls that are refused.
#[derive(Debug, Clone)]
pub struct CallLimits {
    /// The largest number of calls in flight, over all connections.
    pub in_flight: usize,
    /// The largest number of calls that are worked on at a time.
    pub at_work: usize,
    /// The largest message of a request, in bytes.
    pub request_bytes: usize,
    /// How long a request may take to arrive after its headers, and its answer to be taken.
    pub transfer_timeout: Duration,
    /// The largest number of bytes of requests and answers that are on their way, over all connections.
    pub transit_bytes: usize,
    /// The places for long computations, which large requests take.
    pub workers: Workers,
    /// The status of a call above a limit.
    pub overloaded: Status,
    /// The status of a request that is larger than its service decodes. tonic answers `OUT_OF_RANGE`, which no client
    /// reports as a limit, or `RESOURCE_EXHAUSTED` without details.
    pub too_large: Status,
    /// The status of a call that has taken so long.
    pub late: fn(Duration) -> Status,
}

/// The header with the compression of a request, and the one with those that a client accepts.
const GRPC_ENCODING: &str = "grpc-encoding";
const GRPC_ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// A service with limits on its calls.
#[derive(Debug, Clone)]
pub(super) struct Limited<S> {
    inner: S,
    limiter: Arc<Limiter>,
}

#[derive(Debug)]
struct Limiter {
    limits: CallLimits,
    permits: Arc<Semaphore>,
    turns: Arc<Turns>,
    transit: Arc<Transit>,
    metrics: Arc<Metrics>,
}

type Admission = (Turn, Place);

/// The place of a call in flight.
#[derive(Debug)]
struct Place {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}

impl<S> Limited<S> {
    /// Puts limits on the calls of a service.
    pub(super) fn new(
        inner: S,
        limits: CallLimits,
        transit: Arc<Transit>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS)));
        let turns = Turns::new(limits.at_work, PATIENCE);
        Self { inner, limiter: Arc::new(Limiter { limits, permits, turns, transit, metrics }) }
    }
}

impl Limiter {
    /// Answers a call with a service, or refuses it.
    async fn answer<S, B>(
        &self,
        inner: &S,
        mut request: Request<B>,
    ) -> Result<Response<Body>, Status>
    where
        S: Callee<Body>,
        B: http_body::Body<Data = Bytes, Error: Into<tonic::codegen::StdError>>
            + Send
            + Unpin
            + 'static,
    {
        let time = CallTime::begin(request.headers());
        request.extensions_mut().insert(time);
        let path = request.uri().path();
        let (is_stream, is_exempt) =
            (path.starts_with(REFLECTION), EXEMPT.iter().any(|prefix| path.starts_with(prefix)));
        let (head, body) = request.into_parts();
        let (body, is_large, admission) = if is_stream {
            (Body::new(body), false, None)
        } else {
            let peer = head.extensions.get::<Peer>().map(Owner::from);
            let (whole, admission) = self.arrival(body, time, peer, is_exempt).await?;
            let is_large = whole.bytes() > SMALL_REQUEST;
            (Body::new(whole), is_large, admission)
        };
        if let Some(asked) = time.asked
            && time.began.elapsed() >= asked
        {
            return Err((self.limits.late)(asked));
        }
        let mut answering = pin!(inner.answer(Request::from_parts(head, body)));
        let answer = pin!(async {
            if is_large {
                let whole = async {
                    let response = answering.as_mut().await;
                    if is_exempt { response } else { encode(response).await }
                };
                Box::pin(self.limits.workers.run(whole)).await
            } else {
                Ok(answering.as_mut().await)
            }
        });
        let response = match admission {
            None => answer.await,
            Some((turn, _place)) => turn.keep_while_at_work(answer).await,
        };
        let response = response.map_err(|QueueFull| self.shed())?;
        if is_undecoded(response.headers()) {
            return Err(self.limits.too_large.clone());
        }
        Ok(response)
    }

    /// The whole request and, unless it is exempt, its admission.
    async fn arrival<B>(
        &self,
        body: B,
        time: CallTime,
        peer: Option<Owner>,
        is_exempt: bool,
    ) -> Result<(Whole, Option<Admission>), Status>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let mut arriving = Arriving::new(body, self.limits.request_bytes);
        // Most requests are here already, and wait for nothing.
        let whole = match poll_fn(|cx| Poll::Ready(arriving.poll_receive(cx, None))).await {
            Poll::Ready(received) => Some(received.map_err(|error| self.not_received(error))?),
            Poll::Pending => None,
        };
        let turn = whole.as_ref().and_then(|whole| self.turns.try_take(peer, whole.bytes()));
        match (whole, turn) {
            (Some(whole), _) if is_exempt => Ok((whole, None)),
            (Some(whole), Some(turn)) => Ok((whole, Some(self.admit(Some(turn))?))),
            (whole, _) => Box::pin(self.wait(arriving, whole, time, peer, is_exempt)).await,
        }
    }

    /// Waits for the rest of a request and for its turn. What has arrived counts as held.
    async fn wait<B>(
        &self,
        mut arriving: Arriving<B>,
        whole: Option<Whole>,
        time: CallTime,
        peer: Option<Owner>,
        is_exempt: bool,
    ) -> Result<(Whole, Option<Admission>), Status>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let lost = Arc::new(CancellationToken::new());
        let held = self.transit.hold(arriving.bytes(), &lost);
        let arrival = async {
            let whole = match whole {
                Some(whole) => whole,
                None => {
                    let rest = poll_fn(|cx| arriving.poll_receive(cx, Some(&held)));
                    let within = self.limits.transfer_timeout;
                    let within = time.asked.map_or(within, |asked| asked.min(within));
                    let received = tokio::time::timeout(within, rest).await;
                    let received = received.map_err(|_| (self.limits.late)(within))?;
                    received.map_err(|error| self.not_received(error))?
                }
            };
            if is_exempt {
                return Ok((whole, None));
            }
            let turn = self.turns.take(peer, whole.bytes()).await;
            Ok((whole, Some(self.admit(turn)?)))
        };
        tokio::select! {
            biased;
            arrived = arrival => arrived,
            () = lost.cancelled() => Err(self.lost(time)),
        }
    }

    /// The status of a request that was not received.
    fn not_received(&self, error: NotReceived) -> Status {
        match error {
            NotReceived::TooLarge => self.limits.too_large.clone(),
            NotReceived::BrokenOff => Status::cancelled("the request was not sent to its end"),
        }
    }

    /// The status of a request that was given up: it took too long, or it made room for newer ones.
    fn lost(&self, time: CallTime) -> Status {
        let CallLimits { transfer_timeout, late, .. } = self.limits;
        if time.began.elapsed() >= transfer_timeout {
            return late(transfer_timeout);
        }
        self.shed()
    }

    /// The status of a call above a limit, which is counted.
    fn shed(&self) -> Status {
        self.metrics.shed.inc();
        self.limits.overloaded.clone()
    }

    /// A place in flight for a call that has got its turn.
    fn admit(&self, turn: Option<Turn>) -> Result<Admission, Status> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let (Some(turn), Ok(permit)) = (turn, permit) else { return Err(self.shed()) };
        self.metrics.in_flight.inc();
        Ok((turn, Place { _permit: permit, metrics: Arc::clone(&self.metrics) }))
    }
}

/// Encodes an answer, which is a single message. Else a worker encodes it while it is sent, and a large request has a large answer.
async fn encode(response: Response<Body>) -> Response<Body> {
    let (head, body) = response.into_parts();
    // An error is headers alone. A collected body would add an empty frame, which clients take for a broken answer.
    if body.is_end_stream() {
        return Response::from_parts(head, body);
    }
    match body.collect().await {
        Ok(encoded) => Response::from_parts(head, Body::new(encoded)),
        Err(status) => status.into_http(),
    }
}

impl<S, B> Callee<B> for Limited<S>
where
    S: Callee<Body>,
    B: http_body::Body<Data = Bytes, Error: Into<tonic::codegen::StdError>>
        + Send
        + Unpin
        + 'static,
{
    async fn answer(&self, mut request: Request<B>) -> Response<Body> {
        // Most clients accept compressed answers, few need them. Like gRPC for Go: one that compresses gets the same.
        if !request.headers().contains_key(GRPC_ENCODING) {
            request.headers_mut().remove(GRPC_ACCEPT_ENCODING);
        }
        let answer = self.limiter.answer(&self.inner, request).await;
        answer.unwrap_or_else(Status::into_http)
    }
}
