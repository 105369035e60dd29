//! The profile of the containerd release that runs on a node.

use crate::spec::profile::{Profile, Profiles};

/// The name of a request or of a default that stands for the profile of the node's release.
pub const NODE: &str = "node";

/// What a profile's `equals` begins with if it equals a release of containerd.
const CONTAINERD: &str = "containerd ";

/// The three numbers of a release: also of `v2.4.0-rc.1`, of `2.4.2+unknown` and of Debian's `1.6.20~ds1`.
fn numbers(release: &str) -> Option<[u32; 3]> {
    let mut parts = release.strip_prefix('v').unwrap_or(release).splitn(3, '.');
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let patch = parts.next()?.split(|c: char| !c.is_ascii_digit()).next()?;
    Some([major, minor, patch.parse().ok()?])
}

/// The release of containerd that a profile equals.
fn of_profile(profile: &Profile) -> Option<[u32; 3]> {
    profile.equals.strip_prefix(CONTAINERD).and_then(numbers)
}

impl Profiles {
    /// The profile of the minor release of containerd that runs on a node, with a warning where the patch release is
    /// another than the one that the profile equals.
    ///
    /// # Errors
    ///
    /// A sentence where no profile is of that minor release.
    pub fn find_of_release(&self, release: &str) -> Result<(&Profile, Option<String>), String> {
        let equal = || self.iter().filter_map(|(profile, _)| Some((profile, of_profile(profile)?)));
        let known = || {
            let mut known: Vec<&str> = equal().map(|(profile, _)| profile.name.as_str()).collect();
            known.sort_unstable();
            known.join(", ")
        };
        let Some([major, minor, patch]) = numbers(release) else {
            return Err(format!(
                "containerd on this node states the release {release:?}, which has no number: name a profile, for example \
                 one of {}",
                known()
            ));
        };
        let Some((profile, [.., equal])) = equal().find(|(_, of)| of[..2] == [major, minor]) else {
            return Err(format!(
                "containerd on this node is {release}, and no profile equals a release of {major}.{minor}: use a newer specd, \
                 or name a profile, for example one of {}",
                known()
            ));
        };
        let warning = (equal != patch).then(|| {
            let Profile { name, equals, .. } = profile;
            format!("containerd on this node is {release}, and the profile {name} equals {equals}")
        });
        Ok((profile, warning))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_three_numbers_and_what_builders_add() {
        for (release, want) in [
            ("v2.4.2", Some([2, 4, 2])),
            ("2.4.2+unknown", Some([2, 4, 2])),
            ("1.6.20~ds1", Some([1, 6, 20])),
            ("v2.5.0-beta.1", Some([2, 5, 0])),
            ("v2.4", None),
            ("v2.4.x", None),
            ("main", None),
            ("", None),
        ] {
            assert_eq!(numbers(release), want, "{release}");
        }
    }

    #[test]
    fn a_release_has_the_profile_of_its_minor_release_or_none() {
        let profiles = Profiles::built_in(NODE).unwrap();
        let of =
            |release| profiles.find_of_release(release).map(|(profile, _)| profile.name.as_str());
        assert_eq!(of("v2.4.2"), Ok("containerd-2.4"));
        assert_eq!(of("1.7.27-0ubuntu1"), Ok("containerd-1.7"));
        let newer = of("v2.5.0").unwrap_err();
        assert!(newer.contains("no profile equals a release of 2.5: use a newer specd"), "{newer}");
        assert!(newer.ends_with("containerd-1.6, containerd-1.7, containerd-2.0, containerd-2.1, containerd-2.2, containerd-2.3, containerd-2.4"), "{newer}");
        assert!(of("v3.4.2").is_err() && of("v1.5.18").is_err());
        assert!(of("6f3ac9d.m").unwrap_err().contains("\"6f3ac9d.m\", which has no number"));
        assert_eq!(profiles.find_of_release("v2.4.2").unwrap().1, None);
        assert_eq!(
            profiles.find_of_release("v2.4.0").unwrap().1.unwrap(),
            "containerd on this node is v2.4.0, and the profile containerd-2.4 equals containerd 2.4.2"
        );
    }
}
