//! Devices of a machine that is not here: a list, looked at as a directory would be.

use crate::domain::host_device::{Found, HostNode, Look, Lookup, counts, is_walked};
use crate::paths;
use std::collections::BTreeMap;

/// The devices of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatedDevices {
    /// The nodes, by path.
    nodes: BTreeMap<String, HostNode>,
    /// Symbolic links, each with the path that it leads to in the end.
    links: BTreeMap<String, String>,
}

impl StatedDevices {
    /// Checks a list.
    ///
    /// # Errors
    ///
    /// A sentence on the first that cannot be.
    pub fn new(nodes: Vec<HostNode>, links: BTreeMap<String, String>) -> Result<Self, String> {
        let is_clean = |path: &str| path.starts_with('/') && paths::clean(path) == path;
        let mut by_path = BTreeMap::new();
        for node in nodes {
            let path = node.path.clone();
            if !is_clean(&path) {
                return Err(format!("the device {path:?} must have a plain absolute path"));
            }
            if !matches!(node.kind, 'b' | 'c' | 'p') {
                return Err(format!("the device {path:?} must be of type \"b\", \"c\" or \"p\""));
            }
            if by_path.insert(path.clone(), node).is_some() {
                return Err(format!("the device {path:?} is there twice"));
            }
        }
        for (link, target) in &links {
            if !is_clean(link) || !is_clean(target) {
                return Err(format!("the link {link:?} must be from one absolute path to another"));
            }
        }
        Ok(Self { nodes: by_path, links })
    }

    /// What lies at a path.
    #[must_use]
    pub fn look(&self, lookup: &Lookup) -> Found {
        let mut asked = lookup.path.clone();
        let mut path = paths::clean(&asked);
        if let Some(target) = self.links.get(&path) {
            let leads_to_devices = !self.inside(target).is_empty();
            match lookup.look {
                Look::Resolved => (asked, path) = (target.clone(), target.clone()),
                Look::Tree if leads_to_devices => path = target.clone(),
                Look::Tree | Look::Node => return Found::Link,
            }
        } else if lookup.look == Look::Resolved {
            asked.clone_from(&path);
        }
        if let Some(node) = self.nodes.get(&path) {
            return Found::Node(HostNode { path: asked, ..node.clone() });
        }
        let inside = self.inside(&path);
        if inside.is_empty() && path != "/dev" {
            return Found::Absent;
        }
        if lookup.look == Look::Node {
            return Found::Other("a directory");
        }
        let directory = paths::clean(&asked);
        let walked = inside.into_iter().filter(|(rest, node)| {
            let mut names = rest.split('/');
            let name = names.next_back().unwrap_or_default();
            counts(name, node.kind) && names.all(is_walked)
        });
        let nodes = walked
            .map(|(rest, node)| HostNode { path: paths::join(&directory, &rest), ..node.clone() })
            .collect();
        Found::Directory { path: directory, nodes }
    }

    /// The nodes inside a directory, each with its path from there.
    fn inside(&self, directory: &str) -> Vec<(String, &HostNode)> {
        let start = format!("{}/", directory.trim_end_matches('/'));
        let below = self.nodes.iter();
        let mut below: Vec<_> = below
            .filter_map(|(path, node)| Some((path.strip_prefix(&start)?.to_owned(), node)))
            .collect();
        // As directories are walked, name by name: "a-b" comes after "a/c".
        below.sort_by(|(one, _), (other, _)| one.split('/').cmp(other.split('/')));
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(path: &str, kind: char, minor: i64) -> HostNode {
        let path = path.to_owned();
        HostNode { path, kind, major: 1, minor, file_mode: 0o666, uid: 0, gid: 5 }
    }

    fn devices() -> StatedDevices {
        let nodes = vec![
            node("/dev/null", 'c', 3),
            node("/dev/snd/pcm", 'c', 4),
            node("/dev/snd-x", 'c', 5),
            node("/dev/snd/pts/0", 'c', 6),
            node("/dev/console", 'c', 1),
            node("/dev/pipe", 'p', 0),
        ];
        let links = [("/dev/nil", "/dev/null"), ("/dev/sound", "/dev/snd")];
        let links = links.map(|(link, target)| (link.to_owned(), target.to_owned()));
        StatedDevices::new(nodes, links.into()).unwrap()
    }

    fn paths(found: &Found) -> Vec<String> {
        match found {
            Found::Node(node) => vec![node.path.clone()],
            Found::Directory { nodes, .. } => nodes.iter().map(|node| node.path.clone()).collect(),
            Found::Absent | Found::Link | Found::Other(_) | Found::Unreadable(_) => {
                vec![format!("{found:?}")]
            }
        }
    }

    #[test]
    fn a_list_is_looked_at_as_a_directory() {
        for (path, look, want) in [
            ("/dev/null", Look::Tree, vec!["/dev/null"]),
            ("/dev//null", Look::Node, vec!["/dev//null"]),
            ("/dev", Look::Tree, vec!["/dev/null", "/dev/snd/pcm", "/dev/snd-x"]),
            ("/dev/", Look::Node, vec!["Other(\"a directory\")"]),
            ("/dev/sound", Look::Tree, vec!["/dev/sound/pcm"]),
            ("/dev/nil", Look::Tree, vec!["Link"]),
            ("/dev/nil", Look::Resolved, vec!["/dev/null"]),
            ("/dev/console", Look::Tree, vec!["/dev/console"]),
            ("/dev/none", Look::Tree, vec!["Absent"]),
        ] {
            let found = devices().look(&Lookup::new(path, look));
            assert_eq!(paths(&found), want, "{path} {look:?}");
        }
        let none = StatedDevices::default();
        assert_eq!(
            none.look(&Lookup::new("/dev", Look::Tree)),
            Found::Directory { path: "/dev".to_owned(), nodes: vec![] }
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for nodes in [
            vec![node("dev/null", 'c', 3)],
            vec![node("/dev/../null", 'c', 3)],
            vec![node("/dev/null", 'x', 3)],
            vec![node("/dev/null", 'c', 3), node("/dev/null", 'c', 4)],
        ] {
            assert!(StatedDevices::new(nodes, BTreeMap::new()).is_err());
        }
        let link = BTreeMap::from([("a".to_owned(), "/dev/null".to_owned())]);
        assert!(StatedDevices::new(vec![], link).is_err());
    }
}
