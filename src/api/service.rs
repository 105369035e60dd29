//! The service: checks each call, runs it within its deadline, and translates the result.

use crate::api::pb::specd as pb;
use crate::api::templates::Templates;
use crate::api::{request, response, status};
use crate::call_time::CallTime;
use crate::domain;
use crate::domain::encoding::Encoding;
use crate::domain::exec::{ExecRequest, UpdateRequest};
use crate::domain::ids::Namespace;
use crate::domain::violation::Violations;
use crate::generate::{GenerateError, Generator, UnknownProfile};
use crate::store::Deadline;
use crate::workers::SMALL_REQUEST;
use prost::Message;
use std::pin::pin;
use std::time::{Duration, Instant};
use tonic::{Request, Response, Status};

/// `specd.v1.SpecService`.
#[derive(Clone)]
pub struct Service {
    pub(super) generator: Generator,
    call_timeout: Duration,
    answer_bytes: usize,
    has_process: bool,
    pub(super) templates: Templates,
}

impl Service {
    /// A service that ends each call after `call_timeout`, or at the deadline of the caller if that is earlier.
    #[must_use]
    pub fn new(generator: Generator, call_timeout: Duration) -> Self {
        Self {
            generator,
            call_timeout,
            answer_bytes: usize::MAX,
            has_process: true,
            templates: Templates::default(),
        }
    }

    /// The same service with a size limit for responses, in bytes.
    #[must_use]
    pub fn with_answers_of(self, answer_bytes: usize) -> Self {
        Self { answer_bytes, ..self }
    }

    /// The same service, with or without `GenerateProcess`.
    #[must_use]
    pub fn with_process(self, has_process: bool) -> Self {
        Self { has_process, ..self }
    }

    /// Runs a call: checks the request, does the work within its time, and translates the result. Off the async
    /// workers if the request is larger than `small`.
    async fn call<W, C, A, M, F>(
        &self,
        request: Request<W>,
        small: usize,
        check: impl FnOnce(W) -> Result<C, Violations>,
        work: impl FnOnce(C, Deadline) -> F,
        translate: impl FnOnce(A) -> M,
    ) -> Result<Response<M>, Status>
    where
        W: Message,
        M: Message,
        F: Future<Output = Result<A, GenerateError>>,
    {
        let time = self.time(&request);
        let is_small = request.get_ref().encoded_len() <= small;
        let call = async {
            let request = check(request.into_inner()).map_err(|wrong| status::of(&wrong.into()))?;
            let done = work(request, time.deadline()).await.map_err(|error| time.status(&error))?;
            self.answer(translate(done))
        };
        self.run(time, is_small, call).await
    }

    /// The time of a call.
    pub(super) fn time<W>(&self, request: &Request<W>) -> Time {
        let begun = || CallTime::begin(request.metadata().as_ref());
        let CallTime { began, asked } = request.extensions().get().copied().unwrap_or_else(begun);
        let most = asked.map_or(self.call_timeout, |asked| asked.min(self.call_timeout));
        Time { most, ends: began.checked_add(most).unwrap_or(began) }
    }

    /// Runs a call within its time. Off the async workers if its request is not small.
    pub(super) async fn run<M>(
        &self,
        time: Time,
        is_small: bool,
        call: impl Future<Output = Result<M, Status>>,
    ) -> Result<Response<M>, Status> {
        // Pinned here once. Each branch below would have a copy of its own.
        let mut call = pin!(call);
        let run = async {
            if is_small {
                call.as_mut().await
            } else {
                let run = self.generator.workers.run(call.as_mut());
                run.await.unwrap_or_else(|_| Err(status::overloaded()))
            }
        };
        let ended = tokio::time::timeout_at(time.ends.into(), run).await;
        let ended = ended.unwrap_or_else(|_| Err(status::deadline_exceeded(time.most)));
        ended.map(Response::new)
    }

    pub(super) fn known(&self, profile: Option<&str>) -> Result<(), UnknownProfile> {
        self.generator.knows_profile(profile)
    }

    /// The answer, unless it is too large.
    pub(super) fn answer<M: Message>(&self, message: M) -> Result<M, Status> {
        if message.encoded_len() > self.answer_bytes {
            return Err(status::message_too_large("answer", self.answer_bytes));
        }
        Ok(message)
    }
}

/// How long a call may take.
#[derive(Clone, Copy)]
pub(super) struct Time {
    most: Duration,
    ends: Instant,
}

impl Time {
    pub(super) fn deadline(self) -> Deadline {
        Deadline::at(self.ends)
    }

    /// The status of an error. If the time is over, that ended the call, even if it failed with another error.
    pub(super) fn status(self, error: &GenerateError) -> Status {
        if Instant::now() < self.ends {
            status::of(error)
        } else {
            status::deadline_exceeded(self.most)
        }
    }
}

/// The form of the JSON texts in a response that the protocol of the call needs.
pub(super) fn forced<W>(request: &Request<W>) -> Option<Encoding> {
    request.extensions().get().copied()
}

/// The form of the JSON texts in a response: what the request asks for, or what the protocol of the call needs.
pub(super) fn encoding(forced: Option<Encoding>, asked: pb::Encoding) -> Encoding {
    match (asked, forced) {
        (pb::Encoding::Json, _) | (_, Some(Encoding::Json)) => Encoding::Json,
        (pb::Encoding::Unspecified | pb::Encoding::Any, _) => Encoding::Any,
    }
}

/// Records the namespace for the log line of the call.
fn happens_in(namespace: &Namespace) {
    tracing::Span::current().record("namespace", namespace.as_str());
}

#[tonic::async_trait]
impl pb::SpecService for Service {
    async fn generate(
        &self,
        request: Request<pb::GenerateRequest>,
    ) -> Result<Response<pb::GenerateResponse>, Status> {
        let (time, forced) = (self.time(&request), forced(&request));
        let is_small = request.get_ref().encoded_len() <= SMALL_REQUEST;
        let call = async {
            let made = self.make(request.into_inner(), None, forced, time).await?;
            Ok(made.answer)
        };
        self.run(time, is_small, call).await
    }

    async fn generate_process(
        &self,
        request: Request<pb::GenerateProcessRequest>,
    ) -> Result<Response<pb::GenerateProcessResponse>, Status> {
        if !self.has_process {
            return Err(status::turned_off("GenerateProcess", "--no-generate-process"));
        }
        let encoding = encoding(forced(&request), request.get_ref().encoding());
        let check = |message| request::exec(message, |name| self.known(name));
        let work = async |request: ExecRequest, deadline| {
            happens_in(&request.namespace);
            self.generator.process(&request, deadline).await
        };
        let translate = |done| response::process(done, encoding);
        self.call(request, SMALL_REQUEST, check, work, translate).await
    }

    async fn generate_resources(
        &self,
        request: Request<pb::GenerateResourcesRequest>,
    ) -> Result<Response<pb::GenerateResourcesResponse>, Status> {
        let encoding = encoding(forced(&request), request.get_ref().encoding());
        let work = async |request: UpdateRequest, _| self.generator.resources(&request).await;
        let translate = |done| response::resources(done, encoding);
        self.call(request, SMALL_REQUEST, request::update, work, translate).await
    }

    async fn explain(
        &self,
        request: Request<pb::ExplainRequest>,
    ) -> Result<Response<pb::ExplainResponse>, Status> {
        let asked = request.get_ref().request.as_ref().map(pb::GenerateRequest::encoding);
        let encoding = encoding(forced(&request), asked.unwrap_or_default());
        let check = |message: pb::ExplainRequest| {
            request::container(message.request.unwrap_or_default(), |name| self.known(name))
        };
        let work = async |request: domain::request::Request, deadline| {
            self.generator.explain(&request, self.answer_bytes, deadline).await
        };
        let translate = |done| response::explained(done, encoding);
        self.call(request, 0, check, work, translate).await
    }

    async fn list_profiles(
        &self,
        _: Request<pb::ListProfilesRequest>,
    ) -> Result<Response<pb::ListProfilesResponse>, Status> {
        self.answer(response::profiles(self.generator.offers())).map(Response::new)
    }
}
