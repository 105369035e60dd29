//! The available profiles, and the one that a request asks for.

use crate::domain::violation::{Violation, Violations};
use crate::generate::{GenerateError, Generator};
use crate::image::ImageError;
use crate::spec::{NODE, Profile, Profiles};
use crate::store::{Deadline, NodeRelease};
use std::sync::Arc;

/// What the profile of the node's release is, in a sentence.
pub const OF_NODE: &str =
    "The profile of the containerd release that runs on the node, which is asked for it";

/// An available profile.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The name.
    pub name: String,
    /// A description in one sentence.
    pub description: String,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// The release with the same output, or empty.
    pub equals: String,
    /// The last day on which that release is supported, or empty.
    pub supported_until: String,
    /// Whether a request without a profile gets it.
    pub is_default: bool,
}

/// No profile has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownProfile(pub String);

impl Generator {
    /// The same generator with the release of containerd on the node, for the profile of that release.
    #[must_use]
    pub fn with_release(self, release: Arc<dyn NodeRelease>) -> Self {
        Self { release: Some(release), ..self }
    }

    /// The available profiles.
    #[must_use]
    pub fn offers(&self) -> Vec<Offer> {
        let offer = |(profile, is_default): (&Profile, bool)| Offer {
            name: profile.name.clone(),
            description: profile.description.clone(),
            aliases: profile.aliases.clone(),
            equals: profile.equals.clone(),
            supported_until: profile.supported_until.clone(),
            is_default,
        };
        let profiles = self.profiles.now();
        let of_node = self.release.as_ref().map(|_| Offer {
            name: NODE.to_owned(),
            description: OF_NODE.to_owned(),
            aliases: Vec::new(),
            equals: String::new(),
            supported_until: String::new(),
            is_default: profiles.is_of_node(None),
        });
        profiles.iter().map(offer).chain(of_node).collect()
    }

    /// Whether there is a profile of that name, or for no name.
    ///
    /// # Errors
    ///
    /// [`UnknownProfile`], which lists the known names.
    pub fn knows_profile(&self, name: Option<&str>) -> Result<(), UnknownProfile> {
        let profiles = self.profiles.now();
        if self.release.is_some() && profiles.is_of_node(name) {
            return Ok(());
        }
        profiles.get(name).map(drop).ok_or_else(|| UnknownProfile(profiles.unknown(name)))
    }

    /// The profile of a name, or the default one for no name, with what an answer warns of. containerd is asked for its
    /// release only where the profile is that of the node's release.
    pub(super) async fn find_profile<'p>(
        &self,
        profiles: &'p Profiles,
        name: Option<&str>,
        deadline: Deadline,
    ) -> Result<(&'p Profile, Option<String>), GenerateError> {
        match &self.release {
            Some(source) if profiles.is_of_node(name) => {
                let release = source.release(deadline).await.map_err(ImageError::from)?;
                profiles.find_of_release(&release).map_err(wrong)
            }
            _ => Ok((profile_named(profiles, name)?, None)),
        }
    }
}

fn wrong(text: String) -> GenerateError {
    Violations::from(Violation::new("profile", text)).into()
}

/// The profile of a name, or the default one for no name.
pub(super) fn profile_named<'p>(
    profiles: &'p Profiles,
    name: Option<&str>,
) -> Result<&'p Profile, GenerateError> {
    profiles.get(name).ok_or_else(|| wrong(profiles.unknown(name)))
}
