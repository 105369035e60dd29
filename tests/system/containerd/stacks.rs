//! Images with account files at every place in a stack of layers, and the files that a container sees.

use crate::containerd::image::{Image, Layer, Tar};
use serde_json::json;

/// One entry of a layer.
#[derive(Debug, Clone, Copy)]
enum Entry {
    Dir(&'static str),
    File(&'static str, &'static str),
    Symlink(&'static str, &'static str),
    HardLink(&'static str, &'static str),
}
use Entry::{Dir, File, HardLink, Symlink};

/// What is found of one account file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Text(&'static str),
    Absent,
    /// Its layers or its snapshot can be read, and it is no file.
    Refused,
}
use Found::{Absent, Refused, Text};

/// An image, and what is in it.
pub(crate) struct Stack {
    pub(crate) name: &'static str,
    layers: &'static [&'static [Entry]],
    pub(crate) passwd: Found,
    pub(crate) group: Found,
}

const BASE: &[Entry] = &[
    Dir("etc"),
    File("etc/passwd", "base"),
    File("etc/group", "base groups"),
    Dir("usr"),
    Dir("usr/lib"),
    File("usr/lib/passwd", "distribution's"),
];

pub(crate) const STACKS: &[Stack] = &[
    Stack { name: "one", layers: &[BASE], passwd: Text("base"), group: Text("base groups") },
    Stack {
        name: "replaced",
        layers: &[BASE, &[Dir("srv")], &[Dir("etc"), File("etc/passwd", "newer")], &[Dir("srv/x")]],
        passwd: Text("newer"),
        group: Text("base groups"),
    },
    Stack { name: "none", layers: &[&[Dir("srv")], &[Dir("tmp")]], passwd: Absent, group: Absent },
    Stack {
        name: "whiteout",
        layers: &[BASE, &[Dir("etc"), File("etc/.wh.passwd", "")]],
        passwd: Absent,
        group: Text("base groups"),
    },
    Stack {
        name: "whiteout-and-again",
        layers: &[
            BASE,
            &[Dir("etc"), File("etc/.wh.passwd", "")],
            &[Dir("etc"), File("etc/passwd", "again")],
        ],
        passwd: Text("again"),
        group: Text("base groups"),
    },
    Stack {
        name: "etc-removed",
        layers: &[BASE, &[File(".wh.etc", "")], &[Dir("etc"), File("etc/group", "new groups")]],
        passwd: Absent,
        group: Text("new groups"),
    },
    Stack {
        name: "opaque",
        layers: &[
            BASE,
            &[Dir("etc"), File("etc/.wh..wh..opq", ""), File("etc/group", "new groups")],
            &[Dir("etc"), File("etc/other", "")],
        ],
        passwd: Absent,
        group: Text("new groups"),
    },
    Stack {
        name: "opaque-root",
        layers: &[
            BASE,
            &[File(".wh..wh..opq", ""), Dir("etc"), File("etc/group", "new groups")],
            &[Dir("srv")],
        ],
        passwd: Text("base"),
        group: Text("new groups"),
    },
    Stack {
        name: "symlinks",
        layers: &[
            BASE,
            &[
                Dir("etc"),
                Symlink("etc/passwd", "../../../usr/lib/passwd"),
                Symlink("etc/group", "/usr/lib/group"),
            ],
            &[Dir("usr"), Dir("usr/lib"), File("usr/lib/group", "newest groups")],
        ],
        passwd: Text("distribution's"),
        group: Text("newest groups"),
    },
    Stack {
        name: "symlink-to-nowhere",
        layers: &[BASE, &[Dir("etc"), Symlink("etc/passwd", "/proc/self/environ")]],
        passwd: Absent,
        group: Text("base groups"),
    },
    Stack {
        name: "hard-link",
        layers: &[
            BASE,
            &[Dir("etc"), Dir("a"), File("a/b", "linked"), HardLink("etc/passwd", "a/b")],
        ],
        passwd: Text("linked"),
        group: Text("base groups"),
    },
    Stack {
        name: "etc-becomes-a-link",
        layers: &[
            BASE,
            &[Dir("usr/etc"), File("usr/etc/passwd", "usr's"), Symlink("etc", "usr/etc")],
            &[Dir("usr"), Dir("usr/etc"), File("usr/etc/group", "usr's groups")],
        ],
        passwd: Text("usr's"),
        group: Text("usr's groups"),
    },
    Stack {
        name: "etc-was-a-link",
        layers: &[
            &[
                Dir("usr"),
                Dir("usr/etc"),
                File("usr/etc/passwd", "usr's"),
                Symlink("etc", "usr/etc"),
            ],
            &[Dir("etc"), File("etc/group", "own groups")],
        ],
        passwd: Absent,
        group: Text("own groups"),
    },
    Stack {
        name: "loop",
        layers: &[BASE, &[Dir("etc"), Symlink("etc/passwd", "passwd")]],
        passwd: Refused,
        group: Text("base groups"),
    },
    Stack {
        name: "a-directory",
        layers: &[BASE, &[Dir("etc"), Dir("etc/passwd")]],
        passwd: Refused,
        group: Text("base groups"),
    },
];

impl Stack {
    /// What a snapshot of it has: the passwd and the group.
    ///
    /// overlayfs ignores the mark of a layer's root, and so does the reader of layers. The native
    /// snapshotter copies the lower layers, and containerd then removes what the mark hides.
    pub(crate) fn in_snapshot_of(&self, snapshotter: &str) -> (Found, Found) {
        match (self.name, snapshotter) {
            ("opaque-root", "native") => (Absent, Text("new groups")),
            _ => (self.passwd, self.group),
        }
    }

    pub(crate) fn image(&self) -> Image {
        Image::new(self.layers.iter().map(|entries| layer(entries)).collect(), &json!({}))
    }
}

fn layer(entries: &[Entry]) -> Layer {
    let mut tar = Tar::new();
    for entry in entries {
        match entry {
            Dir(path) => tar.directory(path, 0, 0),
            File(path, text) => tar.file(path, 0o644, text.as_bytes()),
            Symlink(path, target) => tar.symlink(path, target),
            HardLink(path, target) => tar.hard_link(path, target),
        }
    }
    Layer::gzip(&tar.finish())
}
