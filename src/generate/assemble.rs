//! Puts a spec together.

use crate::domain::ids::Namespace;
use crate::domain::origin::UserOrigins;
use crate::generate::stage::Stage;
use crate::generate::{GenerateError, Generator, span};
use crate::spec::{self, Attempt, Finished, Inputs, Profile};
use std::time::Instant;
use tracing::Instrument as _;

impl Generator {
    /// The spec out of everything that was fetched.
    pub(super) async fn assemble(
        &self,
        profile: &Profile,
        namespace: &Namespace,
        inputs: &Inputs<'_>,
        user: impl Fn() -> UserOrigins,
    ) -> Result<Finished, GenerateError> {
        let (assembling, started) = (span(Stage::Assemble), Instant::now());
        let finished = match assembling.in_scope(|| spec::attempt(profile, namespace, inputs))? {
            Attempt::Finished(finished) => finished,
            Attempt::Broken(broken) => {
                let judging = async { broken.judge(profile, namespace, inputs, user) };
                self.workers.run_in_turn(judging.instrument(assembling)).await?
            }
        };
        self.observer.took(Stage::Assemble, started.elapsed());
        Ok(finished)
    }
}
