//! Control groups that runtimes make on the way to a container's and leave behind, empty.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A group at the top of each hierarchy. It is removed with its last holder, and all groups below it, where no process is in
/// them; one that was there before stays.
pub(crate) struct ControlGroup(String);

/// How many hold a group, and whether it was there before.
static HELD: Mutex<BTreeMap<String, (usize, bool)>> = Mutex::new(BTreeMap::new());

impl ControlGroup {
    /// Holds a group, which need not be there yet.
    pub(crate) fn hold(name: &str) -> Self {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let before = || paths(name).any(|path| path.exists());
        held.entry(name.to_owned()).or_insert_with(|| (0, before())).0 += 1;
        Self(name.to_owned())
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((holders, before)) = held.get_mut(&self.0) else { return };
        *holders -= 1;
        if *holders == 0 {
            if !*before {
                paths(&self.0).for_each(|path| remove(&path));
            }
            held.remove(&self.0);
        }
    }
}

/// The group in version 2, and in each hierarchy of version 1.
fn paths(name: &str) -> impl Iterator<Item = PathBuf> {
    let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let hierarchies = hierarchies.map(|entry| entry.path());
    hierarchies.chain([PathBuf::from("/sys/fs/cgroup")]).map(move |root| root.join(name))
}

fn remove(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    // The kernel refuses where a process is in it.
    let _ = fs::remove_dir(directory);
}
