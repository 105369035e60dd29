//! Lists of CPUs and memory nodes, for example `0-3,7`.

/// The highest number that runc has a bit for. runc: `configs.MaxCPU`.
const LAST: u32 = 65_535;

/// The highest number that runc before 1.6 has a bit for.
const LAST_BEFORE_1_6: u32 = 1023;

/// What a list should be for each runc.
pub(super) const FEW: &str =
    "should have numbers up to 1023, which are what runc before 1.6 accepts";

/// Whether the kernel accepts a list. Linux: `bitmap_parselist`.
pub(super) fn is_kernel_list(text: &str) -> bool {
    text.split(',').all(|part| is_kernel_part(part.trim()))
}

/// Whether runc accepts a list: numbers and ranges, one at least. runc: `configs.ToCPUSet`.
pub(super) fn is_runc_list(text: &str) -> bool {
    is_list_up_to(text, LAST)
}

/// Whether runc accepts a list only since 1.6.
pub(super) fn needs_many_bits(text: &str) -> bool {
    is_list_up_to(text, LAST) && !is_list_up_to(text, LAST_BEFORE_1_6)
}

fn is_list_up_to(text: &str, highest: u32) -> bool {
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let fits = |part: &str| number(part).is_some_and(|number| number <= highest);
    parts().next().is_some()
        && parts().all(|part| match part.split_once('-') {
            None => fits(part),
            Some((first, last)) => fits(first) && fits(last) && number(first) <= number(last),
        })
}

fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u32>().ok().filter(|_| plain)
}

/// Whether the kernel accepts a part of a list: nothing, a number, a range, or some of each group of a range.
fn is_kernel_part(part: &str) -> bool {
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
    use super::*;

    #[test]
    fn lists_are_read_as_the_kernel_reads_them() {
        for list in ["", "0", "0-3", "5-5", "0-7:1/2", "all", "N", "3-N", "1024", "0, 2,"] {
            assert!(is_kernel_list(list), "{list}");
        }
        for list in ["x", "-1", "+1", "1-0", "0-", "0-3:1", "0-3:a/2", "1 2", "²"] {
            assert!(!is_kernel_list(list), "{list}");
        }
    }

    #[test]
    fn lists_are_read_as_runc_reads_them() {
        for list in ["0", "0-3", "5-5", "1023", " 0 ,, 2-4,"] {
            assert!(is_runc_list(list), "{list}");
        }
        for list in ["", ",", "x", "+1", "1-0", "0-", "0 - 3", "0-7:1/2", "all", "3-N", "65536"] {
            assert!(!is_runc_list(list), "{list}");
        }
        assert!(needs_many_bits("0-1024") && !needs_many_bits("1023") && !needs_many_bits("65536"));
    }
}
