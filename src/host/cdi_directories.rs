//! The CDI specifications in directories of this machine.
//!
//! A symbolic link to a file is followed, as in Go's reader. Only regular files are read.

use crate::domain::cdi_files::{CdiFile, CdiFiles};
use crate::domain::limits::{CDI_BYTES, CDI_FILE_BYTES, CDI_FILES};
use crate::host::source::CdiSource;
use async_trait::async_trait;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Directories of specifications; the later ones have priority.
#[derive(Debug, Clone)]
pub struct CdiDirectories(Vec<PathBuf>);

impl CdiDirectories {
    /// These directories; they need not exist.
    #[must_use]
    pub fn new(directories: Vec<PathBuf>) -> Self {
        Self(directories)
    }

    /// The files in them at this moment.
    #[must_use]
    pub fn read(&self) -> CdiFiles {
        let shown = |path: &Path| path.to_string_lossy().into_owned();
        let mut found = CdiFiles {
            directories: self.0.iter().map(|directory| shown(directory)).collect(),
            ..CdiFiles::default()
        };
        let mut left = CDI_BYTES;
        for (priority, directory) in self.0.iter().enumerate() {
            let names = match names(directory) {
                Ok(names) => names,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    found.unreadable.push((shown(directory), error.kind().to_string()));
                    continue;
                }
            };
            for name in names {
                if found.files.len() == CDI_FILES {
                    let reason = format!("there are more than {CDI_FILES} files");
                    found.unreadable.push((shown(directory), reason));
                    break;
                }
                let path = directory.join(name);
                let content = match content(&path, left.min(CDI_FILE_BYTES)) {
                    // It was removed meanwhile.
                    Err(None) => continue,
                    Err(Some(reason)) => Err(reason),
                    Ok(bytes) => {
                        left = left.saturating_sub(bytes.len() as u64);
                        Ok(bytes)
                    }
                };
                found.files.push(CdiFile { path: shown(&path), priority, content });
            }
        }
        found
    }
}

/// The names of the files that may be specifications, sorted. CDI: `scanSpecDirs`.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_named = name.ends_with(".json") || name.ends_with(".yaml");
        if is_named && !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The content of a file, or the reason why it cannot be read; no reason if it does not exist.
fn content(path: &Path, limit: u64) -> Result<Vec<u8>, Option<String>> {
    let reason = |error: io::Error| {
        let kind = error.kind();
        (kind != io::ErrorKind::NotFound).then(|| kind.to_string())
    };
    // Opening a pipe without a writer must not block the call.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file = File::from(opened.map_err(|error| reason(error.into()))?);
    if !file.metadata().map_err(reason)?.is_file() {
        return Err(Some("it is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(reason)?;
    if bytes.len() as u64 > limit {
        return Err(Some(format!("it exceeds the limit of {limit} bytes")));
    }
    Ok(bytes)
}

#[async_trait]
impl CdiSource for CdiDirectories {
    async fn files(&self) -> CdiFiles {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.read()).await.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_come_by_directory_and_name() {
        let root = tempfile::tempdir().unwrap();
        let [etc, run, gone] = ["etc", "run", "gone"].map(|name| root.path().join(name));
        for directory in [&etc, &run] {
            fs::create_dir(directory).unwrap();
        }
        fs::create_dir(etc.join("d.yaml")).unwrap();
        for (path, text) in
            [("etc/b.yaml", "b"), ("etc/a.json", "a"), ("etc/c.yml", "c"), ("run/z.json", "z")]
        {
            fs::write(root.path().join(path), text).unwrap();
        }
        std::os::unix::fs::symlink("a.json", etc.join("l.json")).unwrap();
        std::os::unix::fs::symlink("gone", etc.join("n.json")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            run.join("p.yaml"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR,
            0,
        )
        .unwrap();
        let found = CdiDirectories::new(vec![etc, gone, run.clone(), run.join("z.json")]).read();
        let shown: Vec<(String, usize, bool)> = found
            .files
            .iter()
            .map(|file| {
                let name = Path::new(&file.path).file_name().unwrap().to_string_lossy();
                (name.into_owned(), file.priority, file.content.is_ok())
            })
            .collect();
        let want = [
            ("a.json", 0, true),
            ("b.yaml", 0, true),
            ("l.json", 0, true),
            ("p.yaml", 2, false),
            ("z.json", 2, true),
        ];
        assert_eq!(shown, want.map(|(name, priority, ok)| (name.to_owned(), priority, ok)));
        assert_eq!(found.directories.len(), 4);
        assert_eq!(found.unreadable.len(), 1);
    }

    #[test]
    fn a_large_file_is_no_specification() {
        let root = tempfile::tempdir().unwrap();
        let file = File::create(root.path().join("a.json")).unwrap();
        file.set_len(CDI_FILE_BYTES + 1).unwrap();
        let found = CdiDirectories::new(vec![root.path().to_owned()]).read();
        assert!(found.files[0].content.as_ref().unwrap_err().contains("exceeds the limit"));
    }
}
