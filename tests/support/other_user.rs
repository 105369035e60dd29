//! A program that another user runs.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The user and the group `nobody`.
pub(crate) const NOBODY: u32 = 65534;

/// A copy of a program in a directory that every user can enter. What cargo built may be below one that others
/// cannot, for example a home directory.
pub(crate) struct CopyForOthers {
    directory: tempfile::TempDir,
}

impl CopyForOthers {
    /// Copies the program.
    pub(crate) fn of(program: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(directory.path(), open).unwrap();
        let copy = Self { directory };
        // A program of its own writes the file: while this process had it open for writing, a child that another
        // test starts would have it open, too, and the kernel would refuse to run it.
        let copied = Command::new("install")
            .args(["-m", "755"])
            .arg(program)
            .arg(copy.path())
            .status()
            .unwrap();
        assert!(copied.success(), "{} cannot be copied", program.display());
        copy
    }

    /// Where the copy is.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("program")
    }

    /// The copy, run as a user and a group.
    pub(crate) fn run_as(&self, uid: u32, gid: u32) -> Command {
        let mut command = Command::new(self.path());
        command.uid(uid).gid(gid).current_dir("/");
        command
    }
}
