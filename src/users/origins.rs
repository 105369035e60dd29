//! Explains a resolved user: which lines of the account files its numbers come from.
//!
//! It decides nothing: it gets the resolved user, and finds the lines that have its numbers.

use crate::domain::origin::{Origin, UserOrigins};
use crate::domain::request::UserOptions;
use crate::image::AccountFiles;
use crate::users::group;
use crate::users::lines;
use crate::users::passwd;
use crate::users::user::{Account, Number, ProcessUser, UserSpec};
use std::collections::{HashMap, HashSet};

/// Where each number of a resolved user comes from.
#[must_use]
pub fn origins(
    image: Option<&UserSpec>,
    of_profile: Option<&ProcessUser>,
    options: &UserOptions,
    files: &AccountFiles,
    user: &ProcessUser,
) -> UserOrigins {
    let usual = match of_profile {
        Some(_) => "the profile's user where nobody is named",
        None => "root where nobody is named",
    };
    let (by, spec) = match (&options.user, image) {
        (Some(spec), _) => (Origin::option("user.user"), spec),
        (None, Some(spec)) => (Origin::image("config.User"), spec),
        (None, None) => (Origin::rule("user", usual), &ROOT),
    };
    let line = passwd_line(files, &spec.user);
    let groups = GroupLines::find(files, spec, options);
    let uid = match &spec.user {
        Account::Id(_) => by.clone(),
        Account::Name(name) => named(&by, name, passwd::PATH, line.map_or(0, |(line, _)| line)),
    };
    let gid = match (&spec.group, line) {
        (Some(Account::Id(_)), _) => by.clone(),
        (Some(Account::Name(name)), _) => named(&by, name, group::PATH, groups.of_name(name)),
        (None, Some((line, _))) => looked_up(&by, passwd::PATH, line),
        (None, None) if image.is_none() && options.user.is_none() => by.clone(),
        (None, None) => Origin::rule("user", "gid 0 where /etc/passwd has no such user"),
    };
    let name = match (&spec.user, line) {
        (Account::Id(0), None) => b"root".to_vec(),
        (_, Some((_, name))) => name.to_vec(),
        (Account::Name(name), None) => name.clone().into_bytes(),
        (Account::Id(_), None) => Vec::new(),
    };
    // The groups that the caller adds come last.
    let own = user.additional_gids.len().saturating_sub(options.additional_groups.len());
    let listing = find_listing(files, &name);
    let of_user = user.additional_gids.iter().take(own).map(|gid| match listing.get(gid) {
        Some(line) => looked_up(&by, group::PATH, *line),
        None if *gid == user.gid => Origin::rule("user", "the primary group is one of the groups"),
        None => looked_up(&by, group::PATH, 0),
    });
    let added = options.additional_groups.iter().enumerate().map(|(index, added)| {
        let by = Origin::option(format_args!("user.additional_groups[{index}]"));
        match added {
            Account::Id(_) => by,
            Account::Name(name) => named(&by, name, group::PATH, groups.of_name(name)),
        }
    });
    UserOrigins { uid, gid, additional_gids: of_user.chain(added).collect() }
}

const ROOT: UserSpec = UserSpec { user: Account::Id(0), group: Some(Account::Id(0)) };

fn looked_up(by: &Origin, file: &'static str, line: usize) -> Origin {
    Origin::Account { asked: by.to_string(), file, line }
}

fn named(by: &Origin, name: &str, file: &'static str, line: usize) -> Origin {
    Origin::Account { asked: format!("{by} {name:?}"), file, line }
}

/// The line of a user, and the user's name.
fn passwd_line<'a>(files: &'a AccountFiles, user: &Account) -> Option<(usize, &'a [u8])> {
    let line = lines_of(passwd::PATH, files.passwd.as_deref()).find(|line| match user {
        Account::Name(name) => line.field(0) == name.as_bytes(),
        Account::Id(uid) => line.is_id(2, *uid),
    })?;
    Some((line.number, line.field(0)))
}

/// The first line of each group that is named.
struct GroupLines<'a>(HashMap<&'a [u8], usize>);

impl<'a> GroupLines<'a> {
    fn find(files: &'a AccountFiles, user: &UserSpec, options: &UserOptions) -> Self {
        let named = user.group.iter().chain(&options.additional_groups);
        let named = named.filter_map(|group| match group {
            Account::Id(_) => None,
            Account::Name(name) => Some(name.as_bytes()),
        });
        let (wanted, mut found) = (named.collect::<HashSet<_>>(), HashMap::new());
        if !wanted.is_empty() {
            for line in lines_of(group::PATH, files.group.as_deref()) {
                let name = line.field(0);
                if wanted.contains(name) {
                    found.entry(name).or_insert(line.number);
                }
            }
        }
        Self(found)
    }

    /// The line of a group, or 0.
    fn of_name(&self, name: &str) -> usize {
        self.0.get(name.as_bytes()).copied().unwrap_or_default()
    }
}

/// The first line of each gid that lists a user.
fn find_listing(files: &AccountFiles, user: &[u8]) -> HashMap<u32, usize> {
    let mut found = HashMap::new();
    for line in lines_of(group::PATH, files.group.as_deref()) {
        if line.field(3).split(|byte| *byte == b',').any(|one| one == user)
            && let Number::Id(gid) = line.number_at(2)
        {
            found.entry(gid).or_insert(line.number);
        }
    }
    found
}

fn lines_of<'a>(
    path: &'static str,
    bytes: Option<&'a [u8]>,
) -> impl Iterator<Item = lines::Line<'a>> {
    // Lines that are too long were refused when the user was resolved.
    lines::read_lines(path, bytes.unwrap_or_default(), usize::MAX).filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::image_rules::ImageRules;
    use crate::users::resolve;
    use bytes::Bytes;

    static FILES: AccountFiles = AccountFiles {
        passwd: Some(Bytes::from_static(b"root:x:0:0::/:/bin/sh\n\napp:x:1000:1001::/:\n")),
        group: Some(Bytes::from_static(b"root:x:0:root\nwww:x:33:app\nmedia:x:44:\n")),
    };

    fn shown(image: Option<&str>, options: &UserOptions) -> Vec<String> {
        let image = image.map(|text| UserSpec::parse(text).unwrap());
        let user = resolve(ImageRules::Oci, image.as_ref(), None, options, &FILES).unwrap();
        let UserOrigins { uid, gid, additional_gids } =
            origins(image.as_ref(), None, options, &FILES, &user);
        assert_eq!(additional_gids.len(), user.additional_gids.len());
        [uid, gid].iter().chain(&additional_gids).map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_found_in_their_lines() {
        let options = UserOptions {
            additional_groups: vec![Account::Name("media".to_owned()), Account::Id(7)],
            ..UserOptions::default()
        };
        assert_eq!(
            shown(Some("app"), &options),
            [
                "image config.User \"app\", /etc/passwd:3",
                "image config.User, /etc/passwd:3",
                "step user: the primary group is one of the groups",
                "image config.User, /etc/group:2",
                "options.user.additional_groups[0] \"media\", /etc/group:3",
                "options.user.additional_groups[1]",
            ]
        );
    }

    #[test]
    fn numbers_are_whose_they_are() {
        let user = |text| UserOptions {
            user: Some(UserSpec::parse(text).unwrap()),
            ..UserOptions::default()
        };
        assert_eq!(
            shown(Some("app"), &user("7:www")),
            [
                "options.user.user",
                "options.user.user \"www\", /etc/group:2",
                "step user: the primary group is one of the groups",
            ]
        );
        assert_eq!(
            shown(None, &user("7"))[..2],
            ["options.user.user", "step user: gid 0 where /etc/passwd has no such user",]
        );
        assert_eq!(
            shown(None, &UserOptions::default()),
            [
                "step user: root where nobody is named",
                "step user: root where nobody is named",
                "step user: root where nobody is named, /etc/group:1",
            ]
        );
    }
}
