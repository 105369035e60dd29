//! The service: each call is checked, run within its deadline and translated back.

use crate::domain::exec::{ExecRequest, UpdateRequest};
use crate::domain::ids::Namespace;
use crate::domain::request;
use crate::domain::violation::Violations;
use crate::generate::{GenerateError, Generator, UnknownProfile};
use crate::pb::specd as pb;
use crate::rpc::{deadline, explanation, from_wire, status, to_wire};
use crate::store::Deadline;
use prost::Message;
use std::time::{Duration, Instant};
use tonic::{Request, Response, Status};

/// `specd.v1.SpecService`.
#[derive(Clone)]
pub struct Service {
    generator: Generator,
    call_timeout: Duration,
    answer_bytes: usize,
}

impl Service {
    /// A service whose calls take at most `call_timeout`, or what the caller leaves, whichever is less.
    #[must_use]
    pub fn new(generator: Generator, call_timeout: Duration) -> Self {
        Self { generator, call_timeout, answer_bytes: usize::MAX }
    }

    /// The same, answering with at most so many bytes.
    #[must_use]
    pub fn with_answers_of(self, answer_bytes: usize) -> Self {
        Self { answer_bytes, ..self }
    }

    /// The way of every call that does work: its request is checked, the work is given its time, and what
    /// comes out is translated.
    async fn call<W, C, A, M, F>(
        &self,
        request: Request<W>,
        check: impl FnOnce(W) -> Result<C, Violations>,
        work: impl FnOnce(C, Deadline) -> F,
        translate: fn(A) -> M,
    ) -> Result<Response<M>, Status>
    where
        M: Message,
        F: Future<Output = Result<A, GenerateError>>,
    {
        let started = Instant::now();
        let asked = deadline::of(request.metadata());
        let time = asked.map_or(self.call_timeout, |asked| asked.min(self.call_timeout));
        let request = check(request.into_inner()).map_err(|wrong| status::of(&wrong.into()))?;
        let deadline = started.checked_add(time).unwrap_or(started);
        let work = work(request, Deadline::at(deadline));
        match tokio::time::timeout_at(deadline.into(), work).await {
            Ok(Ok(done)) => self.answer(translate(done)),
            Ok(Err(error)) if Instant::now() < deadline => Err(status::of(&error)),
            // Whatever went wrong on the way out, it was the deadline that ended the call.
            Ok(Err(_)) | Err(_) => Err(status::deadline_exceeded(time)),
        }
    }

    fn known(&self, profile: Option<&str>) -> Result<(), UnknownProfile> {
        self.generator.knows_profile(profile)
    }

    /// An answer, if it is not too large.
    fn answer<M: Message>(&self, message: M) -> Result<Response<M>, Status> {
        if message.encoded_len() > self.answer_bytes {
            return Err(status::message_too_large("answer", self.answer_bytes));
        }
        Ok(Response::new(message))
    }
}

/// Notes the namespace for the call's line in the log.
fn happens_in(namespace: &Namespace) {
    tracing::Span::current().record("namespace", namespace.as_str());
}

#[tonic::async_trait]
impl pb::SpecService for Service {
    async fn generate(
        &self,
        request: Request<pb::GenerateRequest>,
    ) -> Result<Response<pb::GenerateResponse>, Status> {
        let check = |message| from_wire::request(message, |name| self.known(name));
        let work = async |request: request::Request, deadline| {
            happens_in(&request.namespace);
            self.generator.generate(&request, deadline).await
        };
        self.call(request, check, work, to_wire::generated).await
    }

    async fn generate_process(
        &self,
        request: Request<pb::GenerateProcessRequest>,
    ) -> Result<Response<pb::GenerateProcessResponse>, Status> {
        let check = |message| from_wire::exec(message, |name| self.known(name));
        let work = async |request: ExecRequest, deadline| {
            happens_in(&request.namespace);
            self.generator.process(&request, deadline).await
        };
        self.call(request, check, work, to_wire::process).await
    }

    async fn generate_resources(
        &self,
        request: Request<pb::GenerateResourcesRequest>,
    ) -> Result<Response<pb::GenerateResourcesResponse>, Status> {
        let work = async |request: UpdateRequest, _| self.generator.resources(&request);
        self.call(request, from_wire::update, work, to_wire::resources).await
    }

    async fn explain(
        &self,
        request: Request<pb::ExplainRequest>,
    ) -> Result<Response<pb::ExplainResponse>, Status> {
        let check = |message: pb::ExplainRequest| {
            from_wire::request(message.request.unwrap_or_default(), |name| self.known(name))
        };
        let work = async |request: request::Request, deadline| {
            happens_in(&request.namespace);
            self.generator.explain(&request, deadline).await
        };
        self.call(request, check, work, explanation::explained).await
    }

    async fn list_profiles(
        &self,
        _: Request<pb::ListProfilesRequest>,
    ) -> Result<Response<pb::ListProfilesResponse>, Status> {
        self.answer(to_wire::profiles(self.generator.offers()))
    }
}
