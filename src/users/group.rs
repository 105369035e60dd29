//! `/etc/group`: from a name to a gid, and from a user to its groups.
//!
//! containerd: `user.ParseGroupFilter` of moby/sys. It reads invalid numbers as 0; here they are errors.

use crate::domain::image_rules::ImageRules;
use crate::users::error::Cause;
use crate::users::lines::{self, Line};
use std::collections::{HashMap, HashSet};

/// The path of the file.
pub const PATH: &str = "/etc/group";

/// The longest line that is read, in bytes.
const LINE_BYTES: usize = 1 << 20;

/// The most groups that a process may have: Linux's `NGROUPS_MAX`.
const GROUPS: usize = 65_536;

const NAME: usize = 0;
const GID: usize = 2;
const MEMBERS: usize = 3;

/// The gid of the first group of a name.
///
/// # Errors
///
/// [`Cause::Untrusted`] if the line's gid is not a valid number.
pub fn find_gid(bytes: &[u8], name: &str) -> Result<Option<u32>, Cause> {
    let mut found = None;
    for line in groups(bytes) {
        let line = line?;
        if found.is_none() && line.field(NAME) == name.as_bytes() {
            found = Some(line.id_at(GID, "a gid")?);
        }
    }
    Ok(found)
}

/// The group of each of some names: the last one of a name by containerd's rules, else the first one, as everywhere. The
/// file is read once.
///
/// containerd: `oci.WithAppendAdditionalGroups`. Docker: `user.GetAdditionalGroups`.
///
/// # Errors
///
/// A [`Cause`] if a line cannot be read.
pub fn find_named<'a>(
    rules: ImageRules,
    bytes: &'a [u8],
    names: &HashSet<&[u8]>,
) -> Result<HashMap<&'a [u8], NamedGroup<'a>>, Cause> {
    let is_last = rules == ImageRules::Containerd;
    let mut found = HashMap::new();
    for line in groups(bytes) {
        let line = line?;
        let name = line.field(NAME);
        if names.contains(name) && (is_last || !found.contains_key(name)) {
            found.insert(name, NamedGroup(line));
        }
    }
    Ok(found)
}

/// The group of a name.
pub struct NamedGroup<'a>(Line<'a>);

impl NamedGroup<'_> {
    /// Its gid.
    ///
    /// # Errors
    ///
    /// [`Cause::Untrusted`] if the line's gid is not a valid number.
    pub fn gid(&self) -> Result<u32, Cause> {
        self.0.id_at(GID, "a gid")
    }
}

/// Whether a group of the user's own name counts as one of its groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnGroup {
    /// It counts like any other.
    Counts,
    /// It is skipped, as in containerd.
    Skipped,
}

/// The gids of the groups that list a user, in the order of the file, duplicates kept.
///
/// # Errors
///
/// [`Cause::Untrusted`] if such a line's gid is not a valid number, and [`Cause::TooManyGroups`] for more than
/// Linux allows.
pub fn find_gids_of_member(bytes: &[u8], user: &[u8], own: OwnGroup) -> Result<Vec<u32>, Cause> {
    let mut gids = Vec::new();
    for line in groups(bytes) {
        let line = line?;
        let skipped = own == OwnGroup::Skipped && line.field(NAME) == user;
        if !skipped && is_member(&line, user) {
            gids.push(line.id_at(GID, "a gid")?);
            if gids.len() > GROUPS {
                return Err(Cause::TooManyGroups(PATH, GROUPS));
            }
        }
    }
    Ok(gids)
}

fn is_member(line: &Line<'_>, user: &[u8]) -> bool {
    let members = line.field(MEMBERS);
    !members.is_empty() && members.split(|byte| *byte == b',').any(|member| member == user)
}

fn groups(bytes: &[u8]) -> impl Iterator<Item = Result<Line<'_>, Cause>> {
    lines::read_lines(PATH, bytes, LINE_BYTES)
        .filter(|line| !line.as_ref().is_ok_and(Line::is_comment))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] =
        b"root:x:0:root\n#c:x:77:app\nwww:x:33:nginx,app\napp:x:1000:app\n\nbroken\n\
        twice:x:33:app\nwww:x:34:\nnum:x:xyz:other\nbig:x:2147483648:\nempty:x:9:\n";

    #[test]
    fn names_are_found() {
        assert_eq!(find_gid(FILE, "www"), Ok(Some(33)));
        for (rules, gid) in
            [(ImageRules::Containerd, 34), (ImageRules::Oci, 33), (ImageRules::FaasRs, 33)]
        {
            let found = find_named(rules, FILE, &HashSet::from([&b"www"[..], b"ghost"])).unwrap();
            assert_eq!((found.len(), found[&b"www"[..]].gid()), (1, Ok(gid)));
        }
        assert_eq!(find_gid(FILE, "ghost"), Ok(None));
        assert_eq!(find_gid(FILE, "#c"), Ok(None));
    }

    #[test]
    fn a_users_groups_are_in_order_with_duplicates() {
        assert_eq!(find_gids_of_member(FILE, b"app", OwnGroup::Skipped), Ok(vec![33, 33]));
        assert_eq!(find_gids_of_member(FILE, b"app", OwnGroup::Counts), Ok(vec![33, 1000, 33]));
        assert_eq!(find_gids_of_member(FILE, b"ghost", OwnGroup::Counts), Ok(vec![]));
        assert_eq!(find_gids_of_member(FILE, b"", OwnGroup::Counts), Ok(vec![]));
    }

    #[test]
    fn a_number_that_is_none_is_an_error_and_never_root() {
        assert!(matches!(find_gid(FILE, "big"), Err(Cause::Untrusted { line: 10, .. })));
        assert!(matches!(find_gid(FILE, "broken"), Err(Cause::Untrusted { .. })));
        let last = find_named(ImageRules::Oci, FILE, &HashSet::from([&b"num"[..]])).unwrap();
        assert!(matches!(last[&b"num"[..]].gid(), Err(Cause::Untrusted { .. })));
        assert!(matches!(
            find_gids_of_member(FILE, b"other", OwnGroup::Skipped),
            Err(Cause::Untrusted { what: "a gid", .. })
        ));
    }

    /// They are read in one pass, which holds nothing but the gids found.
    #[test]
    fn cve_2026_47262_half_a_million_groups_are_read_in_one_pass() {
        let mut file = Vec::new();
        for gid in 0..500_000 {
            file.extend_from_slice(format!("g{gid}:x:{gid}:\n").as_bytes());
        }
        file.extend_from_slice(b"last:x:7:app\n");
        assert_eq!(find_gids_of_member(&file, b"app", OwnGroup::Skipped), Ok(vec![7]));
        assert_eq!(find_gid(&file, "last"), Ok(Some(7)));
    }

    #[test]
    fn more_groups_than_a_process_may_have_are_refused() {
        let file = |count| "g:x:7:app\n".repeat(count);
        let gids = |count| find_gids_of_member(file(count).as_bytes(), b"app", OwnGroup::Counts);
        assert_eq!(gids(65_536).unwrap().len(), 65_536);
        assert_eq!(gids(640_000), Err(Cause::TooManyGroups(PATH, 65_536)));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = find_gid(&bytes, "root");
            let _ = find_named(ImageRules::Oci, &bytes, &HashSet::from([&b"root"[..]])).map(|found| found.len());
            let _ = find_gids_of_member(&bytes, b"root", OwnGroup::Counts);
        }
    }
}
