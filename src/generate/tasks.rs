//! The use cases for running tasks: another process, and other limits.

use crate::domain::exec::{ExecRequest, UpdateRequest};
use crate::domain::ids::Snapshotter;
use crate::domain::image_rules::ImageRules;
use crate::generate::stage::Stage;
use crate::generate::{GenerateError, Generator, before, span};
use crate::image::snapshot::SnapshotFiles;
use crate::image::snapshot::key::SnapshotKey;
use crate::image::{AccountFiles, ImageError, NeededFiles};
use crate::spec::exec::StoredProcess;
use crate::spec::update::attempt_resources;
use crate::spec::{Allowance, Attempt, Encoded, Equipment, Inputs, SpecError};
use crate::store::{ContainerError, ContainerStore, Deadline, SnapshotError, StoredContainer};
use crate::users;
use crate::users::user::ProcessUser;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument as _;

impl Generator {
    /// The same generator with a store of containers, and a reader of their snapshots.
    #[must_use]
    pub fn with_containers(
        self,
        containers: Arc<dyn ContainerStore>,
        snapshots: Option<Arc<SnapshotFiles>>,
    ) -> Self {
        Self { containers, snapshots, ..self }
    }

    /// The process of an exec in an existing container.
    ///
    /// The container is read each time. A user is looked up in the container's own snapshot, not in the image.
    ///
    /// # Errors
    ///
    /// A [`GenerateError`], also if a user cannot be looked up: it is never replaced by root.
    pub async fn process(
        &self,
        request: &ExecRequest,
        deadline: Deadline,
    ) -> Result<Encoded, GenerateError> {
        let profiles = self.profiles.now();
        let (profile, _) =
            self.find_profile(&profiles, request.profile.as_deref(), deadline).await?;
        let getting = self.containers.get(&request.namespace, &request.id, deadline);
        let container = self.timed(Stage::Container, getting).await?;
        let stored = StoredProcess::read(&container.type_url, &container.spec)
            .map_err(|error| of_container(request, error))?;
        let user = self.exec_user(profile.rules, request, &container, &stored, deadline).await?;

        let (assembling, started) = (span(Stage::Assemble), Instant::now());
        let inputs = Inputs {
            equipment: &Equipment::default(),
            id: &request.id,
            host: &self.host,
            platform: &self.node,
            seccomp: &profile.seccomp,
            rules: profile.rules,
            user_mounts: profile.user_mounts,
            additions: profile.additions,
            image: None,
            options: &request.options,
            user: user.as_ref(),
            allowance: Allowance { is_wanted: &before(deadline), ..Allowance::UNLIMITED },
        };
        let process = match assembling.in_scope(|| stored.attempt_change(&inputs)) {
            Ok(Attempt::Finished(process)) => Ok(process),
            Ok(Attempt::Broken(broken)) => {
                let judging = async { broken.judge(&inputs) };
                self.workers.run_in_turn(judging.instrument(assembling)).await
            }
            Err(error) => Err(error),
        };
        let process = process.map_err(|error| of_container(request, error))?;
        self.observer.took(Stage::Assemble, started.elapsed());
        tracing::debug!(profile = profile.name, "process made");
        Ok(process)
    }

    /// New limits for a running container.
    ///
    /// # Errors
    ///
    /// [`GenerateError::Request`] if the request has no limits.
    pub async fn resources(&self, request: &UpdateRequest) -> Result<Encoded, GenerateError> {
        let (assembling, started) = (span(Stage::Assemble), Instant::now());
        let resources = &request.resources;
        let resources = match assembling.in_scope(|| attempt_resources(resources))? {
            Attempt::Finished(encoded) => encoded,
            Attempt::Broken(broken) => {
                let judging = async { broken.judge(resources) };
                self.workers.run_in_turn(judging.instrument(assembling)).await?
            }
        };
        self.observer.took(Stage::Assemble, started.elapsed());
        Ok(resources)
    }

    /// The requested user in numbers, or nothing if the request has none.
    async fn exec_user(
        &self,
        rules: ImageRules,
        request: &ExecRequest,
        container: &StoredContainer,
        stored: &StoredProcess,
        deadline: Deadline,
    ) -> Result<Option<ProcessUser>, GenerateError> {
        let options = &request.options.user;
        let needed = match &options.user {
            None if options.additional_groups.is_empty() => return Ok(None),
            None => users::needed_for_groups(options),
            Some(_) => users::needed(rules, options.user.as_ref(), None, options),
        };
        let read = async || {
            if needed.is_empty() {
                return Ok(AccountFiles::default());
            }
            let reading = self.container_files(request, container, needed, deadline);
            self.timed(Stage::Files, reading).await
        };
        let held = self.hold_account_files(read).await?;
        let files = &held.files;
        if options.user.is_some() {
            let resolve = || users::resolve(rules, None, None, options, files);
            return self.look_up(files, resolve).await.map(Some);
        }
        let mut user = stored.user();
        self.look_up(files, || users::add_groups(rules, &mut user, options, files)).await?;
        Ok(Some(user))
    }

    /// The account files of the container's own snapshot.
    async fn container_files(
        &self,
        request: &ExecRequest,
        container: &StoredContainer,
        needed: NeededFiles,
        deadline: Deadline,
    ) -> Result<AccountFiles, GenerateError> {
        let absent = "a user or a group cannot be looked up: the container's root is no snapshot";
        if container.snapshot_key.is_empty() || container.snapshotter.is_empty() {
            return Err(unusable(request, absent.to_owned()).into());
        }
        let (snapshotter, key) = (&container.snapshotter, &container.snapshot_key);
        let snapshotter = Snapshotter::parse(snapshotter).map_err(|error| {
            unusable(request, format!("its snapshotter {snapshotter:?} {error}"))
        })?;
        let key = SnapshotKey::parse(key)
            .map_err(|error| unusable(request, format!("its snapshot {key:?} {error}")))?;
        let Some(snapshots) = &self.snapshots else {
            return Err(ImageError::Snapshot(SnapshotError::Off).into());
        };
        Ok(snapshots.read(&request.namespace, Some(&snapshotter), &key, needed, deadline).await?)
    }
}

fn unusable(request: &ExecRequest, reason: String) -> ContainerError {
    let (namespace, id) = (request.namespace.clone(), request.id.clone());
    ContainerError::Unusable { namespace, id, reason }
}

/// The error for an unusable container.
fn of_container(request: &ExecRequest, error: SpecError) -> GenerateError {
    match error {
        SpecError::Stored(_) => unusable(request, error.to_string()).into(),
        other @ (SpecError::Image(_)
        | SpecError::Request(_)
        | SpecError::Unwanted
        | SpecError::TooLarge(_)
        | SpecError::Internal(_)) => other.into(),
    }
}
