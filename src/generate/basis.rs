//! What an answer depends on beside its request, and what a call looks up each time.

use crate::domain::request::Names;
use crate::generate::stage::Stage;
use crate::generate::{GenerateError, Generator};
use crate::image::ImageError;
use crate::spec::Profiles;
use crate::store::{Deadline, NamespaceDefaults, Resolved};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tracing::{Span, record_all};

/// What an answer depends on beside its request. Equal requests with equal bases have equal answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    profiles: LoadedProfiles,
    /// The name of the profile.
    pub(super) profile: String,
    /// What the answer warns of because of the node's release.
    pub(super) of_release: Option<String>,
    pub(super) resolved: Resolved,
    pub(super) defaults: Arc<NamespaceDefaults>,
}

/// Profiles that were loaded at one time. No others are equal to them, even when these are gone.
#[derive(Debug, Clone)]
struct LoadedProfiles(Weak<Profiles>);

impl PartialEq for LoadedProfiles {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl Eq for LoadedProfiles {}

impl Generator {
    /// What an answer depends on now.
    ///
    /// # Errors
    ///
    /// A [`GenerateError`], with which [`Self::generate`] would end too.
    pub async fn basis(&self, names: &Names, deadline: Deadline) -> Result<Basis, GenerateError> {
        self.look_up_names(&self.profiles.now(), names, deadline).await
    }

    /// The profiles and the basis of a call: those that it found already, or those of now.
    pub(super) async fn find(
        &self,
        names: &Names,
        found: Option<Basis>,
        deadline: Deadline,
    ) -> Result<(Arc<Profiles>, Basis), GenerateError> {
        if let Some(basis) = found
            && let Some(profiles) = basis.profiles.0.upgrade()
        {
            return Ok((profiles, basis));
        }
        let profiles = self.profiles.now();
        let basis = self.look_up_names(&profiles, names, deadline).await?;
        Ok((profiles, basis))
    }

    /// Looks up names. The namespace, and the digest or else the image's name, become parts of the call's
    /// log line.
    async fn look_up_names(
        &self,
        profiles: &Arc<Profiles>,
        names: &Names,
        deadline: Deadline,
    ) -> Result<Basis, GenerateError> {
        let Names { namespace, image, profile } = names;
        let look_up = async {
            let (profile, of_release) =
                self.find_profile(profiles, profile.as_deref(), deadline).await?;
            let resolving = self.source.resolve(namespace, image, deadline);
            let resolved = self.timed(Stage::Resolve, resolving).await.map_err(ImageError::from)?;
            let defaults = match &self.namespaces {
                Some(namespaces) => {
                    namespaces.defaults(namespace, deadline).await.map_err(ImageError::from)?
                }
                None => Arc::default(),
            };
            Ok(Basis {
                profiles: LoadedProfiles(Arc::downgrade(profiles)),
                profile: profile.name.clone(),
                of_release,
                resolved,
                defaults,
            })
        };
        let found = look_up.await;
        let (span, namespace) = (Span::current(), namespace.as_str());
        match &found {
            Ok(basis) => {
                let digest = basis.resolved.target.digest.as_str();
                record_all!(span, namespace, digest);
            }
            Err(_) => {
                let image = image.as_str();
                record_all!(span, namespace, image);
            }
        }
        found
    }

    /// Notes that an answer is a copy of an earlier one.
    pub fn note_copy(&self, time: Duration) {
        self.observer.took(Stage::Copy, time);
    }
}

#[cfg(test)]
impl Basis {
    /// The basis of an answer from this profile, for tests.
    pub(crate) fn example(profile: &str) -> Self {
        use crate::image::Descriptor;
        use crate::image::digest::Digest;
        let digest = Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
        let media_type = String::new();
        let target = Descriptor { media_type, digest, size: 0, data: None, platform: None };
        Self {
            profiles: LoadedProfiles(Weak::new()),
            profile: profile.to_owned(),
            of_release: None,
            resolved: Resolved { name: "app:1".to_owned(), target },
            defaults: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_that_are_loaded_again_are_others() {
        let load = || Arc::new(Profiles::built_in("function").unwrap());
        let (first, second) = (load(), load());
        let of = |profiles: &Arc<Profiles>| LoadedProfiles(Arc::downgrade(profiles));
        assert_eq!(of(&first), of(&first));
        assert_ne!(of(&first), of(&second));
        let gone = of(&first);
        drop(first);
        assert_ne!(gone, of(&load()));
    }
}
