//! Lists of numbers, as the kernel reads processors and memory nodes.

use super::Found;
use super::node::Node;

/// Notes a list that the kernel does not take, as `0-3,7`.
pub(super) fn check(list: Node<'_>, found: &mut Found) {
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| !text.starts_with('+'));
    let part = |part: &str| match part.split_once('-') {
        None => number(part).is_some(),
        Some((first, last)) => {
            number(first).zip(number(last)).is_some_and(|(first, last)| first <= last)
        }
    };
    let wrong = |text: &&str| !text.split(',').all(|each| part(each.trim()));
    if list.filled_text().as_ref().is_some_and(wrong) {
        found.add(list, "must be a list, as 0-1,4");
    }
}
