//! The files of CDI, the Container Device Interface: as they were found, unread.

/// The directories where the files are looked for, where nobody says otherwise; the later ones win.
pub const DEFAULT_DIRECTORIES: [&str; 2] = ["/etc/cdi", "/var/run/cdi"];

/// A file that may be a specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CdiFile {
    /// Its path.
    pub path: String,
    /// Its directory's place in the list.
    pub priority: usize,
    /// What it holds, or why that is not known.
    pub content: Result<Vec<u8>, String>,
}

/// What the directories hold at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CdiFiles {
    /// The directories, in their order.
    pub directories: Vec<String>,
    /// Files by directory, then by name.
    pub files: Vec<CdiFile>,
    /// Directories that exist and cannot be read, each with the reason.
    pub unreadable: Vec<(String, String)>,
}
