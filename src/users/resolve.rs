//! From a USER and the account files to the numbers of a process.

use crate::domain::image_rules::ImageRules;
use crate::domain::request::UserOptions;
use crate::image::AccountFiles;
use crate::users::error::{AccountError, Asked, Cause};
use crate::users::group::{self, NamedGroup, OwnGroup};
use crate::users::passwd::{self, NoUid};
use crate::users::user::{Account, ProcessUser, UserSpec};
use std::collections::HashMap;

/// The USER of an image, if the rules use it and the image has one.
///
/// # Errors
///
/// An [`AccountError`] if the text is not a valid USER.
pub fn image_user(rules: ImageRules, user: &str) -> Result<Option<UserSpec>, AccountError> {
    if user.is_empty() || rules == ImageRules::FaasRs {
        return Ok(None);
    }
    UserSpec::parse(user).map(Some).map_err(|error| Asked::Image.error(error.into()))
}

/// The user of the process.
///
/// The caller's user replaces the image's, and that of the profile is for an image without one. The groups that the caller adds come last. The primary group is
/// always one of the groups, the first one if no other rule added it (containerd:
/// `oci.ensureAdditionalGids`).
///
/// # Errors
///
/// An [`AccountError`] that says who asked; the user is never root instead.
pub fn resolve(
    rules: ImageRules,
    image: Option<&UserSpec>,
    of_profile: Option<&ProcessUser>,
    options: &UserOptions,
    files: &AccountFiles,
) -> Result<ProcessUser, AccountError> {
    let (asked, user) = match &options.user {
        Some(user) if options.by_username => (Asked::CallerName, Some(user)),
        Some(user) => (Asked::Caller, Some(user)),
        None => (Asked::Image, image),
    };
    let mut process = match (rules, user) {
        (_, None) if let Some(usual) = of_profile => {
            with_groups(usual.uid, usual.gid, usual.additional_gids.clone())
        }
        (ImageRules::FaasRs, None) => ProcessUser::bare_root(),
        _ if options.without_groups => {
            alone(rules, user, files).map_err(|cause| asked.error(cause))?
        }
        (ImageRules::Containerd, _) => {
            containerd(user, files).map_err(|cause| asked.error(cause))?
        }
        (ImageRules::Oci | ImageRules::FaasRs, _) => {
            oci(user, files).map_err(|cause| asked.error(cause))?
        }
    };
    add_groups(rules, &mut process, options, files)?;
    Ok(process)
}

/// Adds the caller's groups to a user.
///
/// # Errors
///
/// An [`AccountError`] that says which group.
pub fn add_groups(
    rules: ImageRules,
    process: &mut ProcessUser,
    options: &UserOptions,
    files: &AccountFiles,
) -> Result<(), AccountError> {
    let mut named = None;
    for (index, added) in options.additional_groups.iter().enumerate() {
        let gid = additional_group(rules, added, options, files, &mut named)
            .map_err(|cause| Asked::CallerGroup(index).error(cause))?;
        process.additional_gids.push(gid);
        if index == 0 {
            ensure_primary(process);
        }
    }
    Ok(())
}

/// The user with its primary group alone. containerd: `oci.WithUser` without other options.
fn alone(
    rules: ImageRules,
    user: Option<&UserSpec>,
    files: &AccountFiles,
) -> Result<ProcessUser, Cause> {
    let no_uid = match rules {
        ImageRules::Containerd => NoUid::Root,
        ImageRules::Oci | ImageRules::FaasRs => NoUid::Nobody,
    };
    let (uid, gid) = user.map_or(Ok((0, 0)), |spec| ids(spec, files, no_uid))?;
    Ok(with_groups(uid, gid, Vec::new()))
}

/// containerd: `oci.WithUser`, then `oci.WithAdditionalGIDs` with the uid, or with "root" for no USER.
fn containerd(user: Option<&UserSpec>, files: &AccountFiles) -> Result<ProcessUser, Cause> {
    let Some(spec) = user else {
        let groups = groups_of(b"root", OwnGroup::Skipped, files)?;
        return Ok(with_groups(0, 0, groups));
    };
    let (uid, gid) = ids(spec, files, NoUid::Root)?;
    let known = files
        .passwd
        .as_ref()
        .map(|bytes| passwd::find_by_uid(bytes, uid, NoUid::Root))
        .transpose()?
        .flatten();
    let groups = match known {
        Some(user) => groups_of(&user.name, OwnGroup::Skipped, files)?,
        None => Vec::new(),
    };
    Ok(with_groups(uid, gid, groups))
}

/// The rule of the image specification: a named group is the only group; without one, the user's groups,
/// each once.
fn oci(user: Option<&UserSpec>, files: &AccountFiles) -> Result<ProcessUser, Cause> {
    let Some(spec) = user else {
        let groups = groups_of(b"root", OwnGroup::Counts, files)?;
        return Ok(each_once(with_groups(0, 0, groups)));
    };
    let (uid, gid) = ids(spec, files, NoUid::Nobody)?;
    if spec.group.is_some() {
        return Ok(with_groups(uid, gid, Vec::new()));
    }
    let name = match &spec.user {
        Account::Name(name) => Some(name.clone().into_bytes()),
        Account::Id(uid) => {
            let find = |bytes| passwd::find_by_uid(bytes, *uid, NoUid::Nobody);
            files.passwd.as_deref().map(find).transpose()?.flatten().map(|user| user.name)
        }
    };
    let groups = match name {
        Some(name) => groups_of(&name, OwnGroup::Counts, files)?,
        None => Vec::new(),
    };
    Ok(each_once(with_groups(uid, gid, groups)))
}

/// The uid and the primary gid. A uid that is not in passwd gets gid 0, as in containerd and Docker.
fn ids(spec: &UserSpec, files: &AccountFiles, no_uid: NoUid) -> Result<(u32, u32), Cause> {
    let (uid, primary) = match &spec.user {
        Account::Name(name) => {
            let bytes =
                files.passwd.as_ref().ok_or_else(|| Cause::NoFile(passwd::PATH, name.clone()))?;
            let user = passwd::find_by_name(bytes, name)?
                .ok_or_else(|| Cause::NotFound(passwd::PATH, name.clone()))?;
            (user.uid, user.gid)
        }
        Account::Id(uid) if spec.group.is_some() => (*uid, Ok(0)),
        Account::Id(uid) => {
            let find = |bytes| passwd::find_by_uid(bytes, *uid, no_uid);
            let user = files.passwd.as_deref().map(find).transpose()?;
            (*uid, user.flatten().map_or(Ok(0), |user| user.gid))
        }
    };
    let gid = match &spec.group {
        None => primary?,
        Some(Account::Id(gid)) => *gid,
        Some(Account::Name(name)) => named_group(name, files)?,
    };
    Ok((uid, gid))
}

fn named_group(name: &str, files: &AccountFiles) -> Result<u32, Cause> {
    let bytes = files.group.as_ref().ok_or_else(|| Cause::NoFile(group::PATH, name.to_owned()))?;
    group::find_gid(bytes, name)?.ok_or_else(|| Cause::NotFound(group::PATH, name.to_owned()))
}

/// The gid of an additional group. The groups that the options name are read at the first name, all at once.
fn additional_group<'a>(
    rules: ImageRules,
    added: &Account,
    options: &UserOptions,
    files: &'a AccountFiles,
    named: &mut Option<HashMap<&'a [u8], NamedGroup<'a>>>,
) -> Result<u32, Cause> {
    let name = match added {
        Account::Id(gid) => return Ok(*gid),
        Account::Name(name) => name,
    };
    let known = match named {
        Some(known) => known,
        None => {
            let no_file = || Cause::NoFile(group::PATH, name.clone());
            let bytes = files.group.as_ref().ok_or_else(no_file)?;
            let names = options.additional_groups.iter().filter_map(|added| match added {
                Account::Id(_) => None,
                Account::Name(name) => Some(name.as_bytes()),
            });
            named.insert(group::find_named(rules, bytes, &names.collect())?)
        }
    };
    let found = known.get(name.as_bytes());
    found.ok_or_else(|| Cause::NotFound(group::PATH, name.clone()))?.gid()
}

/// The groups that list a user; empty without an `/etc/group`.
fn groups_of(user: &[u8], own: OwnGroup, files: &AccountFiles) -> Result<Vec<u32>, Cause> {
    files
        .group
        .as_ref()
        .map_or_else(|| Ok(Vec::new()), |bytes| group::find_gids_of_member(bytes, user, own))
}

fn with_groups(uid: u32, gid: u32, additional_gids: Vec<u32>) -> ProcessUser {
    let mut process = ProcessUser { uid, gid, additional_gids };
    ensure_primary(&mut process);
    process
}

fn ensure_primary(process: &mut ProcessUser) {
    if !process.additional_gids.contains(&process.gid) {
        process.additional_gids.insert(0, process.gid);
    }
}

fn each_once(mut process: ProcessUser) -> ProcessUser {
    let mut seen = std::collections::HashSet::new();
    process.additional_gids.retain(|gid| seen.insert(*gid));
    process
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::needed;
    use bytes::Bytes;

    const PASSWD: &[u8] =
        b"root:x:0:0::/:/bin/sh\nnginx:x:101:102::/:/bin/sh\napp:x:1000:1000::/:\n\
        bad:x:abc:7::/:\n";
    const GROUP: &[u8] = b"root:x:0:root\nadm:x:4:root\nwww:x:33:nginx,app\nnginx:x:102:\n\
        app:x:1000:app\ntwice:x:33:app\n";
    static FILES: AccountFiles = AccountFiles {
        passwd: Some(Bytes::from_static(PASSWD)),
        group: Some(Bytes::from_static(GROUP)),
    };
    static NONE: AccountFiles = AccountFiles { passwd: None, group: None };

    fn numbers(
        rules: ImageRules,
        user: &str,
        files: &AccountFiles,
    ) -> Result<(u32, u32, Vec<u32>), AccountError> {
        let user = (!user.is_empty()).then(|| UserSpec::parse(user).unwrap());
        let user = resolve(rules, user.as_ref(), None, &UserOptions::default(), files)?;
        Ok((user.uid, user.gid, user.additional_gids))
    }

    #[test]
    fn containerd_adds_groups_also_beside_a_group() {
        let resolved = |user| numbers(ImageRules::Containerd, user, &FILES).unwrap();
        assert_eq!(resolved(""), (0, 0, vec![0, 4]));
        assert_eq!(resolved("app"), (1000, 1000, vec![1000, 33, 33]));
        assert_eq!(resolved("1000:1000"), (1000, 1000, vec![1000, 33, 33]));
        assert_eq!(resolved("app:www"), (1000, 33, vec![33, 33]));
        assert_eq!(resolved("4242"), (4242, 0, vec![0]));
        assert_eq!(resolved("4242:www"), (4242, 33, vec![33]));
    }

    #[test]
    fn oci_adds_groups_once_and_only_where_none_is_named() {
        let resolved = |user| numbers(ImageRules::Oci, user, &FILES).unwrap();
        assert_eq!(resolved(""), (0, 0, vec![0, 4]));
        assert_eq!(resolved("app"), (1000, 1000, vec![33, 1000]));
        assert_eq!(resolved("1000"), (1000, 1000, vec![33, 1000]));
        assert_eq!(resolved("1000:1000"), (1000, 1000, vec![1000]));
        assert_eq!(resolved("app:www"), (1000, 33, vec![33]));
        assert_eq!(resolved("nginx"), (101, 102, vec![102, 33]));
    }

    #[test]
    fn a_comment_before_root_leaves_root_root_in_every_profile() {
        let passwd = b"# accounts of this image\nroot:x:0:0:root:/root:/bin/sh\n";
        let group = Bytes::from_static(b"root:x:0:root\nmusic:x:1400:alice\n");
        let passwd = Some(Bytes::from_static(passwd));
        let files = AccountFiles { passwd, group: Some(group) };
        for rules in [ImageRules::Containerd, ImageRules::Oci, ImageRules::FaasRs] {
            for user in ["root", "0", "0:0", "root:root"] {
                assert_eq!(numbers(rules, user, &files).unwrap(), (0, 0, vec![0]), "{user}");
            }
        }
    }

    #[test]
    fn faas_rs_is_root_without_groups() {
        let resolved = numbers(ImageRules::FaasRs, "", &NONE).unwrap();
        assert_eq!(resolved, (0, 0, vec![]));
    }

    #[test]
    fn without_files_numbers_resolve_and_names_do_not() {
        for rules in [ImageRules::Containerd, ImageRules::Oci] {
            assert_eq!(numbers(rules, "", &NONE).unwrap(), (0, 0, vec![0]));
            assert_eq!(numbers(rules, "1000", &NONE).unwrap(), (1000, 0, vec![0]));
            let error = numbers(rules, "app", &NONE).unwrap_err();
            assert_eq!(error.asked, Asked::Image);
            assert_eq!(
                error.to_string(),
                "the image's user cannot be resolved: the image has no /etc/passwd, so the name \
                 \"app\" cannot be looked up"
            );
        }
    }

    #[test]
    fn an_unknown_user_or_group_is_an_error_and_never_root() {
        for user in ["ghost", "bad", "app:ghost", "4242:ghost"] {
            for rules in [ImageRules::Containerd, ImageRules::Oci] {
                assert!(numbers(rules, user, &FILES).is_err(), "{user}");
            }
        }
    }

    #[test]
    fn the_profiles_user_is_for_an_image_that_names_nobody() {
        let usual = ProcessUser { uid: 65532, gid: 7, additional_gids: vec![4] };
        let image = UserSpec::parse("app").unwrap();
        let alone = UserOptions::default();
        let www = vec![Account::Name("www".to_owned())];
        let added = UserOptions { additional_groups: www, ..UserOptions::default() };
        for rules in [ImageRules::Containerd, ImageRules::Oci, ImageRules::FaasRs] {
            let run = |image, options| resolve(rules, image, Some(&usual), options, &FILES);
            let user = run(None, &alone).unwrap();
            assert_eq!((user.uid, user.gid, user.additional_gids), (65532, 7, vec![7, 4]));
            assert_eq!(run(Some(&image), &alone).unwrap().uid, 1000);
            assert_eq!(run(None, &added).unwrap().additional_gids, [7, 4, 33]);
        }
        assert!(needed(ImageRules::Containerd, None, Some(&usual), &alone).is_empty());
    }

    #[test]
    fn the_callers_user_and_groups_come_last_and_bear_the_blame() {
        let options = |user: &str, groups: &[&str]| UserOptions {
            user: (!user.is_empty()).then(|| UserSpec::parse(user).unwrap()),
            additional_groups: groups.iter().map(|g| UserSpec::parse(g).unwrap().user).collect(),
            ..UserOptions::default()
        };
        let image = UserSpec::parse("ghost").unwrap();
        let run = |options| resolve(ImageRules::Containerd, Some(&image), None, &options, &FILES);
        let user = run(options("nginx", &["www", "4321", "adm"])).unwrap();
        assert_eq!(user.additional_gids, [102, 33, 33, 4321, 4]);
        assert_eq!(run(options("", &[])).unwrap_err().asked, Asked::Image);
        assert_eq!(run(options("spirit", &[])).unwrap_err().asked, Asked::Caller);
        let by_username = UserOptions { by_username: true, ..options("spirit", &[]) };
        assert_eq!(run(by_username).unwrap_err().asked, Asked::CallerName);
        let alone = UserOptions { without_groups: true, ..options("nginx", &["4321"]) };
        assert_eq!(run(alone).unwrap().additional_gids, [102, 4321]);
        assert_eq!(run(options("7", &["0", "nix"])).unwrap_err().asked, Asked::CallerGroup(1));
    }
}
