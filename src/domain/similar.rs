//! Names that are near to a name that does not exist, for error messages.

/// The names nearest to `wanted`, at most `most`, the nearest first. `key` is the part of a name that is compared.
#[must_use]
pub fn similar<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
    key: impl Fn(&str) -> &str,
    most: usize,
) -> Vec<&'a str> {
    let allowed = key(wanted).len().div_ceil(3);
    let mut near: Vec<(usize, usize, &str)> = names
        .into_iter()
        .map(|name| (distance(key(wanted), key(name)), distance(wanted, name), name))
        .filter(|(of_keys, ..)| *of_keys <= allowed)
        .collect();
    near.sort_unstable();
    near.into_iter().take(most).map(|(.., name)| name).collect()
}

/// How many characters must be added, removed or replaced to make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (a, b, edits) in [("", "", 0), ("a", "", 1), ("ngnix", "nginx", 2), ("abc", "axc", 1)] {
            assert_eq!((distance(a, b), distance(b, a)), (edits, edits), "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let names = ["docker", "containerd-2.4", "containerd-2.3", "containerd"];
        let near = |wanted| similar(wanted, names, |name| name, 2);
        assert_eq!(near("containerd-2.5"), ["containerd-2.3", "containerd-2.4"]);
        assert_eq!(near("dokcer"), ["docker"]);
        assert!(near("nonsense").is_empty());
    }
}
