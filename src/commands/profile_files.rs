//! The operator's profiles: the files of a directory, offered beside the built-in profiles.
//!
//! Invariant: a set of profiles is put into force whole or not at all.

use crate::commands::Failure;
use crate::generate::catalog::Catalog;
use crate::spec::{Profiles, ProfilesError, check_profile};
use clap::Args;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The largest profile that is read, in bytes: a hundred times the size of a base spec.
const MAX_BYTES: u64 = 1 << 20;

/// The most profiles that are read: each is kept in memory.
const MAX_FILES: usize = 1000;

/// The directory of the operator's profiles.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ProfileDirArgs {
    /// A directory of profiles (*.json) to offer beside the built-in ones
    #[arg(long, value_name = "DIR", env = "SPECD_PROFILES_DIR")]
    profiles_dir: Option<PathBuf>,
}

impl ProfileDirArgs {
    /// Reads the profiles: the directory's files that end in `.json`, in the order of their names.
    ///
    /// Hidden files are left out, because a mounted `ConfigMap` keeps its own data in them.
    pub(super) fn load(&self, default: &str) -> Result<Profiles, Failure> {
        let Files { read: files, mut wrong } = match &self.profiles_dir {
            Some(directory) => Files::read(directory)
                .map_err(|error| Failure::run(format_args!("--profiles-dir: {error}")))?,
            None => Files::default(),
        };
        let profiles = match Profiles::with(default, &files) {
            Ok(profiles) => Some(profiles),
            Err(ProfilesError::Files(errors)) => {
                wrong.extend(errors.iter().map(Failure::usage));
                None
            }
            // A file that cannot be used may have it.
            Err(ProfilesError::NoDefault { .. }) if !wrong.is_empty() => None,
            Err(error) => return Err(Failure::usage(format_args!("--default-profile: {error}"))),
        };
        // The built-in profiles were checked by their tests.
        let checked = profiles.iter().filter(|_| self.profiles_dir.is_some());
        wrong.extend(checked.flat_map(Profiles::iter).filter_map(|(profile, _)| {
            let error = check_profile(profile).err()?;
            let name = &profile.name;
            let text = format_args!("profile {name:?}: no request can use it: {error}");
            Some(Failure::usage(text))
        }));
        let Some(profiles) = profiles.filter(|_| wrong.is_empty()) else {
            return Err(all(&wrong));
        };
        for (profile, _) in profiles.iter() {
            for field in profile.unknown_fields() {
                let name = &profile.name;
                tracing::warn!(
                    "profile {name} has the field {field}, which is not in the runtime specification; it is passed on"
                );
            }
        }
        Ok(profiles)
    }
}

/// The profiles in force, and what replaces them. All clones share one state.
#[derive(Debug, Clone)]
pub(super) struct Reload {
    directory: ProfileDirArgs,
    default: String,
    catalog: Catalog,
    failures: Arc<AtomicU64>,
}

impl Reload {
    /// Reads the profiles for the first time.
    pub(super) fn new(directory: ProfileDirArgs, default: String) -> Result<Self, Failure> {
        let catalog = Catalog::new(directory.load(&default)?);
        Ok(Self { directory, default, catalog, failures: Arc::default() })
    }

    /// The profiles in force.
    pub(super) fn catalog(&self) -> Catalog {
        self.catalog.clone()
    }

    /// How many reloads have failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Reads the profiles again and puts them into force; where that fails, the old ones stay. Logs which.
    pub(super) fn reload(&self) {
        match self.directory.load(&self.default) {
            Ok(profiles) => {
                tracing::info!(names = profiles.names(), "profiles reloaded, they are in force");
                self.catalog.replace(profiles);
            }
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "cannot reload the profiles, the old ones stay in force");
            }
        }
    }
}

/// The files of a directory.
#[derive(Debug, Default)]
struct Files {
    /// The names and texts of those that can be read.
    read: Vec<(String, String)>,
    /// What is wrong with the others.
    wrong: Vec<Failure>,
}

impl Files {
    /// Reads the profiles of a directory. An error begins with the path of the directory.
    fn read(directory: &Path) -> Result<Self, String> {
        let failed = |error: io::Error| format!("{}: {error}", directory.display());
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let hidden =
                path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
            if !hidden && path.extension().is_some_and(|extension| extension == "json") {
                paths.push(path);
            }
        }
        if paths.len() > MAX_FILES {
            let text = format!("has {} profiles, at most {MAX_FILES} are allowed", paths.len());
            return Err(failed(io::Error::other(text)));
        }
        paths.sort();
        let mut files = Self::default();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match read_file(&path) {
                Ok(text) => files.read.push((name, text)),
                Err(failure) => files.wrong.push(failure),
            }
        }
        Ok(files)
    }
}

fn read_file(path: &Path) -> Result<String, Failure> {
    let shown = path.display();
    let unreadable = |error: io::Error| {
        if error.kind() == io::ErrorKind::InvalidData {
            return Failure::usage(format_args!("{shown}: is not UTF-8 text"));
        }
        Failure::run(format_args!("{shown}: {error}"))
    };
    // Checked before it is opened: opening a fifo waits for a writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Failure::run(format_args!("{shown}: is not a regular file")));
    }
    let mut text = String::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if read as u64 > MAX_BYTES {
        return Err(Failure::usage(format_args!("{shown}: is larger than {MAX_BYTES} bytes")));
    }
    Ok(text)
}

/// One failure for all files: the content of one is wrong, or all of them cannot be read.
fn all(wrong: &[Failure]) -> Failure {
    let text = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let text = format!("--profiles-dir: {text}");
    if wrong.iter().any(|one| matches!(one, Failure::Usage(_))) {
        Failure::Usage(text)
    } else {
        Failure::Run(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn directory(path: &Path) -> ProfileDirArgs {
        ProfileDirArgs { profiles_dir: Some(path.to_owned()) }
    }

    fn profile(name: &str) -> String {
        format!(r#"{{"name":"{name}","description":"","extends":"docker"}}"#)
    }

    #[test]
    fn json_files_are_read_as_a_config_map_has_them() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        fs::create_dir(at("..2026_data")).unwrap();
        fs::write(at("..2026_data/gpu.json"), profile("gpu")).unwrap();
        symlink("..2026_data", at("..data")).unwrap();
        symlink("..data/gpu.json", at("gpu.json")).unwrap();
        fs::write(at(".hidden.json"), "{").unwrap();
        fs::write(at("README.md"), "{").unwrap();
        let profiles = directory(temporary.path()).load("function").unwrap();
        assert!(profiles.names().ends_with("docker-28, gpu"), "{}", profiles.names());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        let error = || directory(temporary.path()).load("function").unwrap_err().to_string();
        fs::create_dir(at("a.json")).unwrap();
        assert!(error().ends_with("a.json: is not a regular file"), "{}", error());
        fs::remove_dir(at("a.json")).unwrap();
        fs::write(at("b.json"), vec![b' '; 1 + usize::try_from(MAX_BYTES).unwrap()]).unwrap();
        assert!(error().contains("b.json: is larger than"), "{}", error());
        fs::write(at("b.json"), [0xff]).unwrap();
        assert!(error().ends_with("b.json: is not UTF-8 text"), "{}", error());
        assert!(error().starts_with("--profiles-dir: "), "{}", error());
        let missing = directory(&at("none")).load("function").unwrap_err().to_string();
        assert!(missing.contains("none: "), "{missing}");
    }

    #[test]
    fn a_profile_that_no_request_can_use_is_refused_by_its_name() {
        let temporary = tempfile::tempdir().unwrap();
        let text = r#"{"name":"broken","description":"","extends":"docker",
            "spec":{"process":{"capabilities":{"bounding":["CAP_NONSENSE"]}}}}"#;
        fs::write(temporary.path().join("a.json"), text).unwrap();
        let error = directory(temporary.path()).load("function").unwrap_err().to_string();
        let start = "--profiles-dir: profile \"broken\": no request can use it: ";
        assert!(error.starts_with(start) && error.contains("CAP_NONSENSE"), "{error}");
    }

    #[test]
    fn every_file_that_cannot_be_used_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        let load = |default: &str| directory(temporary.path()).load(default).unwrap_err();
        fs::create_dir(at("a.json")).unwrap();
        symlink("nowhere", at("b.json")).unwrap();
        let unreadable = load("of-a");
        let text = unreadable.to_string();
        assert!(matches!(unreadable, Failure::Run(_)), "{text}");
        assert!(text.contains("a.json: is not") && text.contains("b.json: No such"), "{text}");
        fs::write(at("c.json"), [0xff]).unwrap();
        fs::write(at("d.json"), "[]").unwrap();
        let wrong = load("function");
        assert!(matches!(wrong, Failure::Usage(_)), "{wrong}");
        for file in ["a.json: ", "b.json: ", "c.json: ", "d.json: "] {
            assert!(wrong.to_string().contains(file), "{file} {wrong}");
        }
    }

    #[test]
    fn all_profiles_are_put_into_force_or_none() {
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        fs::write(at("a.json"), profile("a")).unwrap();
        let reload = Reload::new(directory(temporary.path()), "function".to_owned()).unwrap();
        let has = |name: &str| reload.catalog().now().get(Some(name)).is_some();
        assert!(has("a"));
        fs::write(at("b.json"), profile("b")).unwrap();
        fs::write(at("c.json"), "{").unwrap();
        reload.reload();
        assert!(has("a") && !has("b"));
        assert_eq!(reload.failures(), 1);
        fs::remove_file(at("c.json")).unwrap();
        fs::remove_file(at("a.json")).unwrap();
        reload.reload();
        assert!(!has("a") && has("b"));
        assert_eq!(reload.failures(), 1);
    }

    #[test]
    fn the_default_may_be_an_operators_profile() {
        let temporary = tempfile::tempdir().unwrap();
        fs::write(temporary.path().join("a.json"), profile("mine")).unwrap();
        let directory = directory(temporary.path());
        assert_eq!(directory.load("mine").unwrap().get(None).unwrap().name, "mine");
        let error = directory.load("nobody").unwrap_err().to_string();
        assert!(error.starts_with("--default-profile: "), "{error}");
    }
}
