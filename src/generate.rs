//! The use case: decide what is needed, fetch it, decide.
//!
//! Only here do the pure core and the fetching meet. Fetching is behind two traits, and nothing here depends on the wire.

mod accounts;
mod assemble;
mod basis;
pub mod catalog;
mod container_facts;
mod equip;
pub mod explain;
mod image_facts;
mod profiles;
pub mod stage;
mod tasks;

pub use basis::Basis;
pub use equip::Machine;
use profiles::profile_named;
pub use profiles::{OF_NODE, Offer, UnknownProfile};

use crate::domain::host_facts::HostFacts;
use crate::domain::ids::Snapshotter;
use crate::domain::origin::Field;
use crate::domain::request::Request;
use crate::domain::violation::Violations;
use crate::generate::accounts::LargeFiles;
use crate::generate::catalog::Catalog;
use crate::generate::stage::{Observer, Stage};
use crate::image::platform::{OsFeatures, Platform};
use crate::image::snapshot::SnapshotFiles;
use crate::image::snapshot::key::SnapshotChoice;
use crate::image::{ImageError, ImageReader};
use crate::spec::{self, Allowance, Encoded, Finished, Inputs, SpecError};
use crate::store::{
    ContainerError, ContainerStore, Deadline, ImageStore, NamespaceStore, NoContainers, NodeRelease,
};
use crate::users::{self, AccountError};
use crate::workers::Workers;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tracing::Instrument as _;

pub use container_facts::ContainerFacts;
pub use image_facts::ImageFacts;

/// Why no spec was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The request breaks a rule.
    #[error(transparent)]
    Request(#[from] Violations),
    /// The image cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The container does not exist, or cannot be used.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The user or a group cannot be resolved.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The spec cannot be made.
    #[error(transparent)]
    Spec(SpecError),
}

impl From<SpecError> for GenerateError {
    fn from(error: SpecError) -> Self {
        match error {
            SpecError::Request(violations) => Self::Request(violations),
            other @ (SpecError::Image(_)
            | SpecError::Stored(_)
            | SpecError::Unwanted
            | SpecError::TooLarge(_)
            | SpecError::Internal(_)) => Self::Spec(other),
        }
    }
}

/// A spec, and what its caller needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The spec.
    pub spec: Encoded,
    /// What containerd's requests need of the container beside it.
    pub container: ContainerFacts,
    /// The image that it was made from.
    pub image: ImageFacts,
    /// The name of the profile that it was made from.
    pub profile: String,
    /// What it depends on beside the request. Nothing where that is more, for example a device of the host.
    pub basis: Option<Basis>,
}

/// Makes specs from the images of a source.
#[derive(Clone)]
pub struct Generator {
    source: Arc<dyn ImageStore>,
    reader: Arc<dyn ImageReader>,
    profiles: Catalog,
    node: Platform,
    observer: Arc<dyn Observer>,
    host: Arc<HostFacts>,
    containers: Arc<dyn ContainerStore>,
    snapshots: Option<Arc<SnapshotFiles>>,
    release: Option<Arc<dyn NodeRelease>>,
    namespaces: Option<Arc<dyn NamespaceStore>>,
    snapshotter: Option<Snapshotter>,
    machine: Machine,
    /// The places for long computations.
    pub workers: Workers,
    large_files: LargeFiles,
}

impl Generator {
    /// A generator for a source, a reader of the same source, and a host.
    pub fn new(
        source: Arc<dyn ImageStore>,
        reader: Arc<dyn ImageReader>,
        profiles: impl Into<Catalog>,
        node: Platform,
        host: HostFacts,
    ) -> Self {
        Self {
            source,
            reader,
            profiles: profiles.into(),
            node,
            host: Arc::new(host),
            observer: Arc::new(()),
            containers: Arc::new(NoContainers),
            snapshots: None,
            release: None,
            namespaces: None,
            snapshotter: None,
            machine: Machine::default(),
            workers: Workers::default(),
            large_files: LargeFiles::default(),
        }
    }

    /// The same generator with measured stages.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    /// The same generator with the defaults of namespaces.
    #[must_use]
    pub fn with_namespaces(self, namespaces: Arc<dyn NamespaceStore>) -> Self {
        Self { namespaces: Some(namespaces), ..self }
    }

    /// The same generator with a default snapshotter of its own, for namespaces without one.
    #[must_use]
    pub fn with_snapshotter(self, snapshotter: Snapshotter) -> Self {
        Self { snapshotter: Some(snapshotter), ..self }
    }

    async fn timed<T>(&self, stage: Stage, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let done = work.instrument(span(stage)).await;
        self.observer.took(stage, started.elapsed());
        done
    }

    /// The spec of one container.
    ///
    /// The names are looked up each time, unless this call has looked them up already. The reader may cache content by digest.
    ///
    /// # Errors
    ///
    /// A [`GenerateError`]; never a spec with a guess in it.
    pub async fn generate(
        &self,
        request: &Request,
        found: Option<Basis>,
        deadline: Deadline,
    ) -> Result<Generated, GenerateError> {
        self.make(request, found, None, deadline).await.map(|(generated, _)| generated)
    }

    /// The spec, and the origin of each field if requested, in so many bytes.
    async fn make(
        &self,
        request: &Request,
        found: Option<Basis>,
        explained_bytes: Option<usize>,
        deadline: Deadline,
    ) -> Result<(Generated, Vec<Field>), GenerateError> {
        let (profiles, basis) = self.find(&request.names, found, deadline).await?;
        let profile = profile_named(&profiles, Some(&basis.profile))?;
        let namespace = &request.names.namespace;
        let (resolved, defaults) = (&basis.resolved, &basis.defaults);
        let mut platform = request.platform.as_ref().unwrap_or(&self.node).clone().normalized();
        if !profile.looks_at_os_features() {
            platform.os_features = OsFeatures::NotLookedAt;
        }

        let describing = self.reader.describe(namespace, &resolved.target, &platform, deadline);
        let described = self.timed(Stage::Describe, describing).await?;
        let config = &described.config;
        let snapshotter = request.snapshot.snapshotter.as_ref().or(defaults.snapshotter.as_ref());

        let named = config.container.as_ref().map_or("", |container| &container.user);
        let image_user = match request.options.user.user {
            Some(_) => None,
            None => users::image_user(profile.rules, named)?,
        };
        let asked = request.options.user.user.as_ref().or(image_user.as_ref());
        let of_profile = profile.user();
        let (of_image, of_profile) = (image_user.as_ref(), of_profile.as_ref());
        let needed = users::needed(profile.rules, asked, of_profile, &request.options.user);
        let read = async || {
            if needed.is_empty() {
                return Ok(Arc::default());
            }
            let key = request.snapshot.key.clone();
            let from = SnapshotChoice { snapshotter: snapshotter.cloned(), key };
            let reading =
                self.reader.read_account_files(namespace, &described, needed, &from, deadline);
            self.timed(Stage::Files, reading).await
        };
        let held = self.hold_account_files(read).await?;
        let (files, changes) = (&*held.files, &request.options.user);
        let resolve = || users::resolve(profile.rules, of_image, of_profile, changes, files);
        let user = self.look_up(files, resolve).await?;

        let equipment = self.equip(&request.options).await;
        let depends_on_more = equipment.is_some() || request.snapshot.key.is_some();
        let equipment = equipment.unwrap_or_default();

        let inputs = Inputs {
            id: &request.id,
            host: &self.host,
            platform: &platform,
            seccomp: &profile.seccomp,
            rules: profile.rules,
            user_mounts: profile.user_mounts,
            additions: profile.additions,
            image: Some(config),
            options: &request.options,
            equipment: &equipment,
            user: Some(&user),
            allowance: Allowance {
                is_wanted: &before(deadline),
                explained_bytes: explained_bytes.unwrap_or(usize::MAX),
            },
        };
        let origins = || users::origins(of_image, of_profile, changes, files, &user);
        let (Finished { encoded: mut spec, facts }, fields) = if explained_bytes.is_some() {
            let started = Instant::now();
            let explain = || spec::explain(profile, namespace, &inputs, origins);
            let explained = span(Stage::Assemble).in_scope(explain)?;
            self.observer.took(Stage::Assemble, started.elapsed());
            explained
        } else {
            (self.assemble(profile, namespace, &inputs, origins).await?, Vec::new())
        };
        let (container, warnings) = container_facts::facts(
            &described,
            facts,
            snapshotter.or(self.snapshotter.as_ref()),
            defaults.runtime.as_deref(),
            &request.labels,
        );
        spec.warnings.extend(warnings);
        spec.warnings.extend(image_facts::warnings(&described));
        spec.warnings.extend(basis.of_release.clone());
        let image = image_facts::facts(resolved, &described, profile.rules);
        tracing::debug!(profile = profile.name, "spec made");
        let profile = profile.name.clone();
        let basis = (!depends_on_more).then_some(basis);
        Ok((Generated { spec, container, image, profile, basis }, fields))
    }
}

/// Whether a deadline has not passed yet, by a clock that is read now and then: it costs more than most steps and rules.
fn before(deadline: Deadline) -> impl Fn() -> bool + Sync {
    let asked = AtomicUsize::new(0);
    move || {
        let looks = asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(8);
        !looks || deadline.time_left() != Some(Duration::ZERO)
    }
}

/// The span of a stage.
fn span(stage: Stage) -> tracing::Span {
    tracing::debug_span!("stage", otel.name = stage.name())
}
