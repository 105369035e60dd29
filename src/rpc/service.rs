//! The service: each call is checked, run within its deadline and translated back.

use crate::generate::Generator;
use crate::pb::specd as pb;
use crate::rpc::{deadline, from_wire, status, to_wire};
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

    /// An answer, if it is not too large.
    fn answer<M: Message>(&self, message: M) -> Result<Response<M>, Status> {
        if message.encoded_len() > self.answer_bytes {
            return Err(status::message_too_large("answer", self.answer_bytes));
        }
        Ok(Response::new(message))
    }
}

#[tonic::async_trait]
impl pb::SpecService for Service {
    async fn generate(
        &self,
        request: Request<pb::GenerateRequest>,
    ) -> Result<Response<pb::GenerateResponse>, Status> {
        let started = Instant::now();
        let asked = deadline::of(request.metadata());
        let time = asked.map_or(self.call_timeout, |asked| asked.min(self.call_timeout));
        let known = |name: Option<&str>| self.generator.knows_profile(name);
        let request = from_wire::request(request.into_inner(), known)
            .map_err(|violations| status::of(&violations.into()))?;
        tracing::Span::current().record("namespace", request.namespace.as_str());
        let deadline = started.checked_add(time).unwrap_or(started);
        let work = self.generator.generate_by(deadline, &request);
        match tokio::time::timeout_at(deadline.into(), work).await {
            Ok(Ok(generated)) => self.answer(to_wire::generated(generated)),
            Ok(Err(error)) => Err(status::of(&error)),
            Err(_) => Err(status::deadline_exceeded(time)),
        }
    }

    async fn list_profiles(
        &self,
        _: Request<pb::ListProfilesRequest>,
    ) -> Result<Response<pb::ListProfilesResponse>, Status> {
        self.answer(to_wire::profiles(self.generator.offers()))
    }
}
