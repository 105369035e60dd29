//! Which account files a user needs, decided before any is fetched.

use crate::domain::image_rules::ImageRules;
use crate::domain::request::UserOptions;
use crate::image::NeededFiles;
use crate::users::user::{Account, ProcessUser, UserSpec};

/// The files that are needed to resolve this user, or that of the profile if there is one.
///
/// Under the OCI rules `uid:gid` needs no file. Under containerd's it needs both, since groups are added
/// beside a named group.
#[must_use]
pub fn needed(
    rules: ImageRules,
    user: Option<&UserSpec>,
    of_profile: Option<&ProcessUser>,
    options: &UserOptions,
) -> NeededFiles {
    let by_user = match (rules, user) {
        (_, None) if of_profile.is_some() => NeededFiles::default(),
        (ImageRules::FaasRs, None) => NeededFiles::default(),
        (_, None) if options.without_groups => NeededFiles::default(),
        (_, Some(UserSpec { user, group })) if options.without_groups => NeededFiles {
            passwd: is_name(user) || group.is_none(),
            group: group.as_ref().is_some_and(is_name),
        },
        (_, None) => NeededFiles { passwd: false, group: true },
        (ImageRules::Containerd, Some(_)) | (_, Some(UserSpec { group: None, .. })) => {
            NeededFiles { passwd: true, group: true }
        }
        (ImageRules::Oci | ImageRules::FaasRs, Some(UserSpec { user, group: Some(group) })) => {
            NeededFiles { passwd: is_name(user), group: is_name(group) }
        }
    };
    NeededFiles { passwd: by_user.passwd, group: by_user.group || needed_for_groups(options).group }
}

/// The files that are needed to resolve the caller's groups alone, if the user is known.
#[must_use]
pub fn needed_for_groups(options: &UserOptions) -> NeededFiles {
    NeededFiles { passwd: false, group: options.additional_groups.iter().any(is_name) }
}

fn is_name(account: &Account) -> bool {
    matches!(account, Account::Name(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(rules: ImageRules, user: Option<&str>, groups: &[Account]) -> (bool, bool) {
        let user = user.map(|user| UserSpec::parse(user).unwrap());
        let options = UserOptions { additional_groups: groups.to_vec(), ..UserOptions::default() };
        let NeededFiles { passwd, group } = needed(rules, user.as_ref(), None, &options);
        (passwd, group)
    }

    #[test]
    fn numbers_need_nothing_where_groups_are_not_added() {
        assert_eq!(files(ImageRules::Oci, Some("7:8"), &[]), (false, false));
        assert_eq!(files(ImageRules::Oci, Some("7:www"), &[]), (false, true));
        assert_eq!(files(ImageRules::Oci, Some("app:8"), &[]), (true, false));
        assert_eq!(files(ImageRules::Oci, Some("7"), &[]), (true, true));
        assert_eq!(files(ImageRules::Containerd, Some("7:8"), &[]), (true, true));
    }

    #[test]
    fn without_groups_only_names_are_looked_up() {
        let options = UserOptions { without_groups: true, ..UserOptions::default() };
        for (user, passwd, group) in [
            (None, false, false),
            (Some("7:8"), false, false),
            (Some("7"), true, false),
            (Some("7:www"), false, true),
        ] {
            let user = user.map(|user| UserSpec::parse(user).unwrap());
            let needed = needed(ImageRules::Containerd, user.as_ref(), None, &options);
            assert_eq!(needed, NeededFiles { passwd, group });
        }
    }

    #[test]
    fn no_user_needs_roots_groups() {
        assert_eq!(files(ImageRules::Oci, None, &[]), (false, true));
        assert_eq!(files(ImageRules::FaasRs, None, &[]), (false, false));
    }

    #[test]
    fn a_group_by_name_needs_the_groups() {
        let named = [Account::Name("www".to_owned())];
        assert_eq!(files(ImageRules::FaasRs, None, &[Account::Id(4)]), (false, false));
        assert_eq!(files(ImageRules::FaasRs, None, &named), (false, true));
    }
}
