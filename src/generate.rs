//! The use case: decide what is needed, fetch it, decide.
//!
//! The one place where the pure core and the fetching meet. Fetching is behind two traits; nothing here
//! knows the wire.

mod equip;
pub mod stage;

pub use equip::Machine;

use crate::accounts::{self, AccountError, Files};
use crate::domain::host_facts::HostFacts;
use crate::domain::image_config::ImageConfig;
use crate::domain::image_rules::ImageRules;
use crate::domain::labels;
use crate::domain::platform::Platform;
use crate::domain::request::Request;
use crate::domain::violation::{Violation, Violations};
use crate::generate::stage::{Observer, Stage};
use crate::image::deadline;
use crate::image::reader::{AccountFiles, Description, ImageError, ImageReader, Wanted};
use crate::image::source::{ImageSource, Resolved};
use crate::spec::{self, Encoded, Inputs, Profile, Profiles, SpecError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

/// Why no spec came out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The request breaks a rule.
    #[error(transparent)]
    Request(#[from] Violations),
    /// The image cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
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
            other @ (SpecError::Image(_) | SpecError::Profile { .. }) => Self::Spec(other),
        }
    }
}

/// A spec, and what its caller needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The spec.
    pub spec: Encoded,
    /// The image that it was made from.
    pub image: ImageFacts,
}

/// What a caller needs of the image to create the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    /// The stored name that matched.
    pub name: String,
    /// The digest that the name points to.
    pub digest: String,
    /// The digest of the manifest that was chosen.
    pub manifest_digest: String,
    /// The digest of the configuration.
    pub config_digest: String,
    /// The platform that the configuration states.
    pub platform: Platform,
    /// The chain ID of the layers, or empty.
    pub chain_id: String,
    /// Exposed ports, sorted.
    pub exposed_ports: Vec<String>,
    /// Volumes, sorted.
    pub volumes: Vec<String>,
    /// The stop signal, or empty.
    pub stop_signal: String,
    /// Labels that are safe to store.
    pub labels: BTreeMap<String, String>,
}

/// A profile on offer.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The name.
    pub name: &'a str,
    /// What it is, in a sentence.
    pub description: &'a str,
    /// Other names for it.
    pub aliases: &'a [String],
    /// The release whose output it equals, or empty.
    pub equals: &'a str,
    /// Whether a request without a profile gets it.
    pub is_default: bool,
}

/// No profile has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown profile, known are {0}")]
pub struct UnknownProfile(pub String);

/// Makes specs out of the images of a source.
#[derive(Clone)]
pub struct Generator {
    source: Arc<dyn ImageSource>,
    reader: Arc<dyn ImageReader>,
    profiles: Arc<Profiles>,
    node: Platform,
    observer: Arc<dyn Observer>,
    host: Arc<HostFacts>,
    machine: Machine,
}

impl Generator {
    /// A generator over a source and a reader of the same source, for containers on a host.
    pub fn new(
        source: Arc<dyn ImageSource>,
        reader: Arc<dyn ImageReader>,
        profiles: Arc<Profiles>,
        node: Platform,
        host: HostFacts,
    ) -> Self {
        let (host, observer, machine) = (Arc::new(host), Arc::new(()), Machine::default());
        Self { source, reader, profiles, node, observer, host, machine }
    }

    /// The same, with its stages measured.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    async fn timed<T>(&self, stage: Stage, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let done = work.instrument(span(stage)).await;
        self.observer.took(stage, started.elapsed());
        done
    }

    /// The same as [`Self::generate`], telling the source by when an answer is of use.
    ///
    /// # Errors
    ///
    /// As [`Self::generate`].
    pub async fn generate_by(
        &self,
        deadline: Instant,
        request: &Request,
    ) -> Result<Generated, GenerateError> {
        deadline::by(deadline, self.generate(request)).await
    }

    /// The profiles on offer.
    pub fn offers(&self) -> impl Iterator<Item = Offer<'_>> {
        self.profiles.iter().map(|(profile, is_default)| Offer {
            name: &profile.name,
            description: &profile.description,
            aliases: &profile.aliases,
            equals: &profile.equals,
            is_default,
        })
    }

    /// The profile of a name, or the default one for no name.
    ///
    /// # Errors
    ///
    /// [`UnknownProfile`], which lists the names that are known.
    pub fn profile(&self, name: Option<&str>) -> Result<&Profile, UnknownProfile> {
        self.profiles.get(name).ok_or_else(|| UnknownProfile(self.profiles.names()))
    }

    /// The spec of one container.
    ///
    /// The name is looked up anew each time; what is read by digest may be remembered by the reader.
    ///
    /// # Errors
    ///
    /// A [`GenerateError`]; never a spec with a guess in it.
    pub async fn generate(&self, request: &Request) -> Result<Generated, GenerateError> {
        let profile = self
            .profile(request.profile.as_deref())
            .map_err(|error| Violations::from(Violation::new("profile", error)))?;
        let namespace = &request.namespace;
        let platform = request.platform.as_ref().unwrap_or(&self.node).normalized();

        let resolving = self.source.resolve(namespace, &request.image);
        let resolved = self.timed(Stage::Resolve, resolving).await.map_err(ImageError::from)?;
        tracing::Span::current().record("digest", resolved.target.digest.as_str());
        let describing = self.reader.describe(namespace, &resolved.target, &platform);
        let described = self.timed(Stage::Describe, describing).await?;
        let config = &described.config;

        let named = config.container.as_ref().map_or("", |container| &container.user);
        let image_user = match request.options.user.user {
            Some(_) => None,
            None => accounts::image_user(profile.rules, named)?,
        };
        let asked = request.options.user.user.as_ref().or(image_user.as_ref());
        let needed = accounts::needed(profile.rules, asked, &request.options.user);
        let wanted = Wanted { passwd: needed.passwd, group: needed.group };
        let files = match wanted {
            Wanted { passwd: false, group: false } => Arc::new(AccountFiles::default()),
            wanted => {
                let reading = self.reader.files(namespace, &described, wanted, &request.snapshot);
                self.timed(Stage::Files, reading).await?
            }
        };
        let files = Files { passwd: files.passwd.as_deref(), group: files.group.as_deref() };
        let user =
            accounts::resolve(profile.rules, image_user.as_ref(), &request.options.user, files)?;

        let equipment = self.equip(&request.options).await;

        let (_assembling, started) = (span(Stage::Assemble).entered(), Instant::now());
        let inputs = Inputs {
            id: &request.id,
            host: &self.host,
            platform: &platform,
            seccomp: &profile.seccomp,
            rules: profile.rules,
            image: config,
            options: &request.options,
            equipment: &equipment,
            user: &user,
        };
        let mut draft = spec::assemble(profile, namespace, &inputs)?;
        let (labels, warnings) = safe_labels(config);
        draft.warnings.extend(warnings);
        let image = facts(&resolved, &described, profile.rules, labels);
        let patch = request.options.merge_patch.as_deref();
        let spec = spec::encode(draft, patch)?;
        self.observer.took(Stage::Assemble, started.elapsed());
        tracing::debug!(profile = profile.name, "spec made");
        Ok(Generated { spec, image })
    }
}

/// A stage as traces have it.
fn span(stage: Stage) -> tracing::Span {
    tracing::debug_span!("stage", otel.name = stage.name())
}

fn safe_labels(config: &ImageConfig) -> (BTreeMap<String, String>, Vec<String>) {
    config.container.as_ref().map(|container| labels::safe(&container.labels)).unwrap_or_default()
}

fn facts(
    resolved: &Resolved,
    described: &Description,
    rules: ImageRules,
    labels: BTreeMap<String, String>,
) -> ImageFacts {
    let container = described.config.container.clone().unwrap_or_default();
    let exposed_ports = match (container.exposed_ports, rules) {
        (Some(ports), _) => ports.into_iter().collect(),
        (None, ImageRules::FaasRs) => vec!["8080/tcp".to_owned()],
        (None, ImageRules::Oci | ImageRules::Containerd) => Vec::new(),
    };
    ImageFacts {
        name: resolved.name.clone(),
        digest: resolved.target.digest.to_string(),
        manifest_digest: described.manifest_digest.to_string(),
        config_digest: described.config_digest.to_string(),
        platform: described.config.platform.clone(),
        chain_id: described.chain_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        exposed_ports,
        volumes: container.volumes.into_iter().collect(),
        stop_signal: container.stop_signal,
        labels,
    }
}
