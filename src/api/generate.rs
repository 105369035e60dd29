//! `Generate`: with the copy of a template, or by the steps.

use crate::api::codec::{Answer, Received};
use crate::api::pb::specd as pb;
use crate::api::service::{Service, Time, encoding, forced};
use crate::api::templates::Key;
use crate::api::{request, response, status};
use crate::domain;
use crate::domain::encoding::Encoding;
use crate::domain::ids::ContainerId;
use crate::generate::Basis;
use crate::workers::{self, SMALL_REQUEST};
use std::time::Instant;
use tonic::{Request, Response, Status};

/// An answer of `Generate` that the steps gave.
pub(super) struct Made {
    pub(super) answer: pb::GenerateResponse,
    request: domain::request::Request,
    basis: Option<Basis>,
}

impl Service {
    /// Answers `Generate` with the copy of a template, or with what the steps give.
    ///
    /// # Errors
    ///
    /// The status of the call.
    pub async fn generate_received(
        &self,
        request: Request<Received>,
    ) -> Result<Response<Answer>, Status> {
        let time = self.time(&request);
        let received = request.get_ref();
        let is_small = received.bytes().len() <= SMALL_REQUEST;
        let forced = forced(&request);
        let call = async {
            let looked = Instant::now();
            let mut found = None;
            let keyed = Key::new(received, forced.unwrap_or_default());
            if let Some((key, id)) = &keyed
                && let Some(template) = self.templates.get(key).await
            {
                let took = looked.elapsed();
                // What remains is a lookup and a copy: many such calls together share a lookup.
                workers::leave();
                let basis = self.generator.basis(&template.names, time.deadline()).await;
                let basis = basis.map_err(|error| time.status(&error))?;
                if basis == template.basis {
                    self.generator.note_copy(took);
                    return Ok(Answer::Copy(template, id.clone()));
                }
                found = Some(basis);
            }
            // Boxed: few calls need the room of its future.
            Box::pin(self.make_and_learn(received, keyed.map(|(key, _)| key), found, forced, time))
                .await
        };
        self.run(time, is_small, call).await
    }

    /// Answers `Generate` by the steps, and learns from that.
    async fn make_and_learn(
        &self,
        received: &Received,
        key: Option<Key>,
        found: Option<Basis>,
        forced: Option<Encoding>,
        time: Time,
    ) -> Result<Answer, Status> {
        let made = self.make(received.decode()?, found, forced, time).await?;
        if let (Some(key), Some(basis)) = (key, made.basis) {
            let steps = async |id: &ContainerId| {
                let id = id.as_str().to_owned();
                let message = pb::GenerateRequest { id, ..received.decode().ok()? };
                let found = Some(basis.clone());
                let made = self.make(message, found, forced, time).await.ok()?;
                (made.basis? == basis).then_some(made.answer)
            };
            let learned = (&made.answer, made.request.names, basis.clone());
            self.templates.learn(key, &made.request.id, learned, steps).await;
        }
        Ok(Answer::Made(Box::new(made.answer)))
    }

    /// Answers `Generate` by the steps, from what this call has found already.
    pub(super) async fn make(
        &self,
        message: pb::GenerateRequest,
        found: Option<Basis>,
        forced: Option<Encoding>,
        time: Time,
    ) -> Result<Made, Status> {
        let encoding = encoding(forced, message.encoding());
        let request = request::container(message, |name| self.known(name));
        let request = request.map_err(|wrong| status::of(&wrong.into()))?;
        let made = self.generator.generate(&request, found, time.deadline()).await;
        let mut made = made.map_err(|error| time.status(&error))?;
        let basis = made.basis.take();
        let answer = self.answer(response::generated(made, encoding))?;
        Ok(Made { answer, request, basis })
    }
}
