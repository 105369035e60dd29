//! Which element of a list is which element of the list before it.
//!
//! Where the elements of a list have a name, that tells, whatever their order: a variable's key, a mount's
//! destination. Elsewhere it is what stays in order, and what stands in the place of another.

use crate::domain::env;
use crate::paths::clean;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};

/// Lists that are compared in the square of their length only up to this product of lengths.
const SQUARE: usize = 250_000;

/// By what the elements of a list are known.
enum Name {
    /// What stands before the first `=`.
    Variable,
    /// A member.
    Member(&'static str),
    /// A member that is a path in the container.
    Path(&'static str),
    /// The whole.
    Value,
    /// Nothing but their order.
    Order,
}

fn name(pointer: &str) -> Name {
    match pointer {
        "/process/env" => Name::Variable,
        "/mounts" => Name::Path("destination"),
        "/linux/devices" => Name::Path("path"),
        "/process/rlimits" | "/linux/namespaces" => Name::Member("type"),
        "/linux/resources/hugepageLimits" => Name::Member("pageSize"),
        "/linux/maskedPaths" | "/linux/readonlyPaths" | "/process/user/additionalGids" => {
            Name::Value
        }
        _ if pointer.starts_with("/process/capabilities/") => Name::Value,
        _ if pointer.starts_with("/linux/seccomp/syscalls/") && pointer.ends_with("/names") => {
            Name::Value
        }
        _ => Name::Order,
    }
}

/// The name of an element, where those of its list have any.
pub(super) fn key(pointer: &str, element: &Value) -> Option<String> {
    let member = |name: &str| element.get(name).and_then(Value::as_str);
    let key = match name(pointer) {
        Name::Order => return None,
        Name::Variable => element.as_str().map(|entry| env::key(entry).to_owned()),
        Name::Member(name) => member(name).map(str::to_owned),
        Name::Path(name) => member(name).map(clean),
        Name::Value => None,
    };
    Some(key.unwrap_or_else(|| element.to_string()))
}

/// For each element of the new list the position of the same in the old one.
pub(super) fn pairs(pointer: &str, old: &[Value], new: &[Value]) -> Vec<Option<usize>> {
    if matches!(name(pointer), Name::Order) {
        by_order(old, new)
    } else {
        by_key(pointer, old, new)
    }
}

/// The first of a key is the first of that key, the second the second.
fn by_key(pointer: &str, old: &[Value], new: &[Value]) -> Vec<Option<usize>> {
    let mut places: HashMap<Option<String>, VecDeque<usize>> = HashMap::new();
    for (index, element) in old.iter().enumerate() {
        places.entry(key(pointer, element)).or_default().push_back(index);
    }
    let mut place = |element| places.get_mut(&key(pointer, element)).and_then(VecDeque::pop_front);
    new.iter().map(&mut place).collect()
}

/// What is equal at both ends, then the most that is equal in order; what lies between such is paired in
/// order, as one in the place of the other.
fn by_order(old: &[Value], new: &[Value]) -> Vec<Option<usize>> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev());
    let tail = tail.take_while(|(old, new)| old == new).count();
    let old_rest = &old_rest[..old_rest.len() - tail];
    let new_rest = &new_rest[..new_rest.len() - tail];

    let mut pairs: Vec<Option<usize>> = (0..head).map(Some).collect();
    let mut equal = longest(old_rest, new_rest);
    equal.push((old_rest.len(), new_rest.len()));
    let mut last = 0;
    for (from, to) in equal {
        let between = to - (pairs.len() - head);
        pairs
            .extend((0..between).map(|nth| Some(head + last + nth).filter(|at| *at < head + from)));
        pairs.push(Some(head + from));
        last = from + 1;
    }
    pairs.pop();
    pairs.extend((old.len() - tail..old.len()).map(Some));
    pairs
}

/// The longest common subsequence, as pairs of positions; nothing where the lists are too long for it.
fn longest(old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    if old.len().saturating_mul(new.len()) > SQUARE {
        return Vec::new();
    }
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    for from in (0..old.len()).rev() {
        for to in (0..new.len()).rev() {
            lengths[from * width + to] = if old[from] == new[to] {
                lengths[(from + 1) * width + to + 1] + 1
            } else {
                lengths[(from + 1) * width + to].max(lengths[from * width + to + 1])
            };
        }
    }
    let (mut from, mut to, mut pairs) = (0, 0, Vec::new());
    while from < old.len() && to < new.len() {
        if old[from] == new[to] {
            pairs.push((from, to));
            (from, to) = (from + 1, to + 1);
        } else if lengths[(from + 1) * width + to] >= lengths[from * width + to + 1] {
            from += 1;
        } else {
            to += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paired(pointer: &str, old: &Value, new: &Value) -> Vec<Option<usize>> {
        pairs(pointer, old.as_array().unwrap(), new.as_array().unwrap())
    }

    #[test]
    fn what_has_a_name_is_found_by_it_in_any_order() {
        let old = json!(["A=1", "B=2", "A=3"]);
        let new = json!(["C=0", "A=9", "B=2", "A=3"]);
        assert_eq!(paired("/process/env", &old, &new), [None, Some(0), Some(1), Some(2)]);
        let old = json!([{"destination": "/run"}, {"destination": "/dev"}]);
        let new =
            json!([{"destination": "/dev/"}, {"destination": "/x"}, {"destination": "//run"}]);
        assert_eq!(paired("/mounts", &old, &new), [Some(1), None, Some(0)]);
        let new = json!([{"source": "/nowhere"}, {"destination": "/run"}]);
        assert_eq!(paired("/mounts", &old, &new), [None, Some(0)]);
        let (old, new) = (json!(["CAP_A", "CAP_B"]), json!(["CAP_C", "CAP_B", "CAP_A"]));
        let pairs = paired("/process/capabilities/bounding", &old, &new);
        assert_eq!(pairs, [None, Some(1), Some(0)]);
    }

    #[test]
    fn where_one_is_put_in_or_taken_out_the_others_are_what_they_were() {
        for (old, new, want) in [
            (json!([1, 2, 3]), json!([0, 1, 2, 3]), vec![None, Some(0), Some(1), Some(2)]),
            (json!([1, 2, 3]), json!([1, 3]), vec![Some(0), Some(2)]),
            (json!([1, 2, 3]), json!([1, 9, 3]), vec![Some(0), Some(1), Some(2)]),
            (
                json!([1, 2, 3, 4]),
                json!([9, 2, 8, 7, 4, 5]),
                vec![Some(0), Some(1), Some(2), None, Some(3), None],
            ),
            (json!([]), json!([1]), vec![None]),
            (json!([1]), json!([2, 1, 1]), vec![None, None, Some(0)]),
        ] {
            assert_eq!(paired("/process/args", &old, &new), want, "{old} {new}");
        }
    }

    #[test]
    fn lists_that_are_too_long_are_paired_in_order() {
        let old: Vec<Value> = (0..600).map(Value::from).collect();
        let new: Vec<Value> = (1000..1700).map(Value::from).collect();
        let pairs = by_order(&old, &new);
        assert_eq!(pairs[599], Some(599));
        assert_eq!(pairs[600..], [None; 100]);
    }

    proptest::proptest! {
        #[test]
        fn no_element_is_paired_twice(old in proptest::collection::vec(0..4_u8, 0..9), new in proptest::collection::vec(0..4_u8, 0..9)) {
            let list = |bytes: &[u8]| bytes.iter().map(|byte| Value::from(*byte)).collect::<Vec<_>>();
            let (old, new) = (list(&old), list(&new));
            for pointer in ["/process/args", "/linux/maskedPaths"] {
                let pairs = pairs(pointer, &old, &new);
                proptest::prop_assert_eq!(pairs.len(), new.len());
                let mut used: Vec<usize> = pairs.iter().flatten().copied().collect();
                proptest::prop_assert!(used.iter().all(|at| *at < old.len()));
                used.sort_unstable();
                let count = used.len();
                used.dedup();
                proptest::prop_assert_eq!(used.len(), count);
            }
        }
    }
}
