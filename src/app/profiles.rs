//! Where profiles come from: those that are built in, and the files of an operator's directory.
//!
//! Invariant: a set is taken over whole or not at all.

use crate::config::ProfileConfig;
use crate::generate::catalog::Catalog;
use crate::spec::{Profiles, ProfilesError};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The largest file that is read as a profile: a base spec is a hundredth of it.
const MAX_BYTES: u64 = 1 << 20;

/// The most files that are read: each is kept in memory.
const MAX_FILES: usize = 1000;

/// Why there are no profiles.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The directory or a file in it cannot be read.
    #[error("{}: {reason}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// What was read makes no set of profiles.
    #[error("{0}")]
    Profiles(#[from] ProfilesError),
}

impl LoadError {
    /// The flag that is at fault.
    #[must_use]
    pub fn flag(&self) -> &'static str {
        match self {
            Self::Profiles(ProfilesError::NoDefault { .. }) => "default-profile",
            Self::Read { .. } | Self::Profiles(ProfilesError::Files(_)) => "profiles-dir",
        }
    }
}

/// Reads the profiles as they are now.
///
/// The directory's files that end in `.json` are read, in the order of their names; hidden ones are not,
/// which is how a mounted `ConfigMap` keeps its own.
///
/// # Errors
///
/// A [`LoadError`], with every file that makes no profile.
pub fn load(config: &ProfileConfig) -> Result<Profiles, LoadError> {
    let files = match &config.directory {
        Some(directory) => read(directory)?,
        None => Vec::new(),
    };
    let profiles = Profiles::with(&config.default, &files)?;
    for (profile, _) in profiles.iter() {
        for field in profile.unknown_fields() {
            let name = &profile.name;
            tracing::warn!(
                "the profile {name} has {field}, which the runtime specification does not; it is passed on"
            );
        }
    }
    Ok(profiles)
}

/// Puts profiles in force again when it is told to.
#[derive(Debug, Clone)]
pub struct Reload {
    config: ProfileConfig,
    catalog: Catalog,
    failures: Arc<AtomicU64>,
}

impl Reload {
    /// Reads the profiles for the first time.
    ///
    /// # Errors
    ///
    /// As [`load`].
    pub fn first(config: ProfileConfig) -> Result<Self, LoadError> {
        let catalog = Catalog::new(load(&config)?);
        Ok(Self { config, catalog, failures: Arc::default() })
    }

    /// The profiles in force.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        self.catalog.clone()
    }

    /// How often the files could not be taken over.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Reads the profiles again and puts them in force, or leaves those that are, and logs which.
    pub fn again(&self) {
        match load(&self.config) {
            Ok(profiles) => {
                tracing::info!(names = profiles.names(), "profiles read again, they are in force");
                self.catalog.replace(profiles);
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "profiles read again and not usable, the old ones stay in force");
            }
        }
    }
}

/// The names and texts of a directory's profiles.
fn read(directory: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |reason| LoadError::Read { path, reason }
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed(directory))? {
        let path = entry.map_err(failed(directory))?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    if paths.len() > MAX_FILES {
        let reason = format!("has {} profiles, at most {MAX_FILES} are read", paths.len());
        return Err(failed(directory)(io::Error::other(reason)));
    }
    paths.sort();
    let text = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, read_file(&path).map_err(failed(&path))?))
    };
    paths.into_iter().map(text).collect()
}

fn read_file(path: &Path) -> io::Result<String> {
    // Before it is opened: a fifo would wait for somebody to write.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    let mut text = String::new();
    let read = fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("is larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn config(directory: &Path) -> ProfileConfig {
        ProfileConfig { directory: Some(directory.to_owned()), default: "function".to_owned() }
    }

    fn profile(name: &str) -> String {
        format!(r#"{{"name":"{name}","description":"","extends":"docker"}}"#)
    }

    #[test]
    fn json_files_are_read_as_a_config_map_has_them() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("..2026_data")).unwrap();
        fs::write(at("..2026_data/gpu.json"), profile("gpu")).unwrap();
        symlink("..2026_data", at("..data")).unwrap();
        symlink("..data/gpu.json", at("gpu.json")).unwrap();
        fs::write(at(".hidden.json"), "{").unwrap();
        fs::write(at("README.md"), "{").unwrap();
        let profiles = load(&config(directory.path())).unwrap();
        assert!(profiles.names().ends_with("docker, gpu"), "{}", profiles.names());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let error = || load(&config(directory.path())).unwrap_err();
        fs::create_dir(at("a.json")).unwrap();
        assert!(error().to_string().ends_with("a.json: is no regular file"), "{}", error());
        fs::remove_dir(at("a.json")).unwrap();
        fs::write(at("b.json"), vec![b' '; 1 + usize::try_from(MAX_BYTES).unwrap()]).unwrap();
        assert!(error().to_string().contains("b.json: is larger than"), "{}", error());
        fs::write(at("b.json"), [0xff]).unwrap();
        assert!(error().to_string().contains("b.json: "), "{}", error());
        assert_eq!(error().flag(), "profiles-dir");
        let missing = load(&config(&at("none"))).unwrap_err();
        assert!(missing.to_string().contains("none: "), "{missing}");
    }

    #[test]
    fn all_are_taken_over_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("a.json"), profile("a")).unwrap();
        let reload = Reload::first(config(directory.path())).unwrap();
        let has = |name: &str| reload.catalog().now().get(Some(name)).is_some();
        assert!(has("a"));
        fs::write(at("b.json"), profile("b")).unwrap();
        fs::write(at("c.json"), "{").unwrap();
        reload.again();
        assert!(has("a") && !has("b"));
        assert_eq!(reload.failures(), 1);
        fs::remove_file(at("c.json")).unwrap();
        fs::remove_file(at("a.json")).unwrap();
        reload.again();
        assert!(!has("a") && has("b"));
        assert_eq!(reload.failures(), 1);
    }

    #[test]
    fn the_default_may_be_an_operators() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.json"), profile("mine")).unwrap();
        let mine = ProfileConfig { default: "mine".to_owned(), ..config(directory.path()) };
        assert_eq!(load(&mine).unwrap().get(None).unwrap().name, "mine");
        let none = ProfileConfig { default: "nobody".to_owned(), ..config(directory.path()) };
        assert_eq!(load(&none).unwrap_err().flag(), "default-profile");
    }
}
