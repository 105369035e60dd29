//! Lists of numbers, as the kernel reads processors and memory nodes.

use super::Found;
use super::node::Node;

/// Notes a list that the kernel does not take, as `0-3,7`, and numbers above the highest there may be.
pub(super) fn check(list: Node<'_>, highest: u32, found: &mut Found) {
    let takes = |part: &str| takes(part.trim(), highest);
    if list.filled_text().is_some_and(|text| !text.split(',').all(takes)) {
        found.add(list, "must be a list, as 0-1,4");
    }
}

/// Whether the kernel takes a part of a list: nothing, a number, a range, or so many of each group of a range.
fn takes(part: &str, highest: u32) -> bool {
    let number = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| plain && *number <= highest)
    };
    let (range, groups) = part.split_once(':').map_or((part, None), |(a, b)| (a, Some(b)));
    let groups = groups.is_none_or(|groups| {
        groups.split_once('/').is_some_and(|(used, all)| number(used).zip(number(all)).is_some())
    });
    groups
        && match range.split_once('-') {
            None => ["", "all", "N"].contains(&range) || number(range).is_some(),
            Some((first, "N")) => number(first).is_some(),
            Some((first, last)) => {
                number(first).zip(number(last)).is_some_and(|(first, last)| first <= last)
            }
        }
}

#[cfg(test)]
mod tests {
    use super::takes;

    #[test]
    fn parts_are_read_as_the_kernel_reads_them() {
        for part in ["", "0", "0-3", "5-5", "0-7:1/2", "all", "N", "3-N", "1023"] {
            assert!(takes(part, 1023), "{part}");
        }
        for part in ["x", "-1", "+1", "1-0", "0-", "0-3:1", "0-3:a/2", "1024", "1 2", "²"] {
            assert!(!takes(part, 1023), "{part}");
        }
    }
}
