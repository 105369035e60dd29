//! `/etc/passwd`: from a name or a uid to a user.
//!
//! containerd: `user.ParsePasswdFilter` of moby/sys. It reads invalid numbers as 0; here they are errors.

use crate::users::error::Cause;
use crate::users::lines;
use crate::users::user::Number;

/// The path of the file.
pub const PATH: &str = "/etc/passwd";

/// The longest line that is read, in bytes.
const LINE_BYTES: usize = 64 * 1024;

const NAME: usize = 0;
const UID: usize = 2;
const GID: usize = 3;

/// A user of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name, which need not be UTF-8.
    pub name: Vec<u8>,
    /// The user id.
    pub uid: u32,
    /// The primary group, or the error that it is invalid: it is not needed beside a named group.
    pub gid: Result<u32, Cause>,
}

/// The first user of a name.
///
/// # Errors
///
/// [`Cause::Untrusted`] if the line's uid is not a valid number.
pub fn find_by_name(bytes: &[u8], name: &str) -> Result<Option<User>, Cause> {
    let mut found = None;
    for line in lines::read_lines(PATH, bytes, LINE_BYTES) {
        let line = line?;
        if found.is_none() && line.field(NAME) == name.as_bytes() {
            found = Some(user(&line)?);
        }
    }
    Ok(found)
}

/// What comments and the lines of NIS are, which have no uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoUid {
    /// Root, as in containerd, which reads a missing number as 0.
    Root,
    /// No user, as in libc.
    Nobody,
}

/// The first user of a uid.
///
/// # Errors
///
/// [`Cause::Untrusted`] for uid 0, if an earlier line that is neither a comment nor one of NIS has a uid that is
/// not a number, since other readers read that as 0.
pub fn find_by_uid(bytes: &[u8], uid: u32, no_uid: NoUid) -> Result<Option<User>, Cause> {
    let mut found = None;
    for line in lines::read_lines(PATH, bytes, LINE_BYTES) {
        let line = line?;
        if found.is_some() {
            continue;
        }
        match line.number_at(UID) {
            Number::Id(id) if id == uid => found = Some(user(&line)?),
            Number::NotOne if uid == 0 && !line.is_no_user() => found = Some(user(&line)?),
            Number::NotOne if uid == 0 && no_uid == NoUid::Root => found = Some(root(&line)),
            Number::Id(_) | Number::OutOfRange | Number::NotOne => {}
        }
    }
    Ok(found)
}

/// The user that containerd sees in a line without a uid.
fn root(line: &lines::Line<'_>) -> User {
    let gid = match line.number_at(GID) {
        Number::NotOne => Ok(0),
        Number::Id(_) | Number::OutOfRange => line.id_at(GID, "a gid"),
    };
    User { name: line.field(NAME).to_vec(), uid: 0, gid }
}

fn user(line: &lines::Line<'_>) -> Result<User, Cause> {
    Ok(User {
        name: line.field(NAME).to_vec(),
        uid: line.id_at(UID, "a uid")?,
        gid: line.id_at(GID, "a gid"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\n  app:x:1000:1001::/:/bin/sh\r\n\
        #old:x:5:5::/:/bin/sh\nbad:x:abc:7::/:/bin/sh\nbig:x:4294967296:7\nshort:x\n\
        app:x:2000:2000\nnogid:x:30:\n";

    #[test]
    fn the_first_match_wins() {
        let app = User { name: b"app".to_vec(), uid: 1000, gid: Ok(1001) };
        assert_eq!(find_by_name(FILE, "app"), Ok(Some(app.clone())));
        assert_eq!(find_by_uid(FILE, 1000, NoUid::Root), Ok(Some(app)));
        assert_eq!(find_by_name(FILE, "ghost"), Ok(None));
        assert_eq!(find_by_uid(FILE, 4242, NoUid::Root), Ok(None));
    }

    #[test]
    fn a_hash_is_a_name_here() {
        assert_eq!(find_by_name(FILE, "#old").unwrap().unwrap().uid, 5);
    }

    #[test]
    fn a_number_that_is_none_is_an_error_and_never_root() {
        for name in ["bad", "big", "short"] {
            let found = find_by_name(FILE, name);
            assert!(
                matches!(found, Err(Cause::Untrusted { what: "a uid", .. })),
                "{name}: {found:?}"
            );
        }
        let gid = find_by_uid(FILE, 30, NoUid::Root).unwrap().unwrap().gid;
        assert!(matches!(gid, Err(Cause::Untrusted { what: "a gid", line: 9, .. })));
    }

    #[test]
    fn root_is_not_looked_for_behind_a_line_that_others_take_for_it() {
        for no_uid in [NoUid::Root, NoUid::Nobody] {
            let name = |file, uid| find_by_uid(file, uid, no_uid).unwrap().unwrap().name;
            assert_eq!(name(FILE, 0), b"root");
            assert!(find_by_uid(b"x:x:abc:7\nroot:x:0:0\n", 0, no_uid).is_err());
            assert_eq!(name(b"x:x:abc:7\napp:x:5:5\n", 5), b"app");
        }
    }

    #[test]
    fn comments_and_lines_of_nis_are_root_to_containerd_alone() {
        for (line, gid) in [("# accounts", 0), ("+::::::", 0), ("-@staff", 0), ("+x::no:9", 9)] {
            let file = format!("{line}\nroot:x:0:5\n");
            let found = |no_uid| {
                let user = find_by_uid(file.as_bytes(), 0, no_uid).unwrap().unwrap();
                (user.name, user.uid, user.gid)
            };
            let name = line.split(':').next().unwrap().as_bytes().to_vec();
            assert_eq!(found(NoUid::Root), (name, 0, Ok(gid)), "{line}");
            assert_eq!(found(NoUid::Nobody), (b"root".to_vec(), 0, Ok(5)), "{line}");
        }
    }

    #[test]
    fn a_line_over_the_limit_is_an_error_wherever_it_stands() {
        let file = [b"app:x:1:1\n".as_slice(), &vec![b'x'; LINE_BYTES]].concat();
        assert!(matches!(find_by_name(&file, "app"), Err(Cause::LineTooLong { line: 2, .. })));
        assert!(find_by_name(&file[..file.len() - 1], "app").is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, uid: u32) {
            let _ = find_by_name(&bytes, "root");
            if let Ok(Some(user)) = find_by_uid(&bytes, uid, NoUid::Root) {
                proptest::prop_assert_eq!(user.uid, uid);
            }
        }
    }
}
