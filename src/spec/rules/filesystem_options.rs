//! The options of the filesystems that containers have, and the values that they accept.

/// What the value of a filesystem's option is.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// A number in octal digits.
    Octal,
    /// An ID.
    Id,
    /// An amount with a unit or without; for a size also a percentage.
    Amount,
    Size,
    /// A decimal number.
    Number,
    /// One of some words.
    Word(&'static [&'static str]),
    /// A memory policy. Linux: `mpol_parse_str`.
    Policy,
    /// Anything that the kernel may know.
    Any,
    /// An option without a value.
    Nothing,
}

/// The options of a filesystem; nothing where they are not known here. Linux: `shmem_fs_parameters`,
/// `devpts_param_specs`, `proc_fs_parameters`, `cgroup2_fs_parameters`; sysfs and mqueue have none.
#[rustfmt::skip]
pub(super) fn options_of(filesystem: &str) -> Option<&'static [(&'static str, Value)]> {
    Some(match filesystem {
        "tmpfs" => &[
            ("mode", Value::Octal), ("size", Value::Size), ("uid", Value::Id), ("gid", Value::Id),
            ("nr_inodes", Value::Amount), ("nr_blocks", Value::Amount), ("huge", Value::Any), ("mpol", Value::Policy),
            ("inode32", Value::Nothing), ("inode64", Value::Nothing), ("noswap", Value::Nothing), ("quota", Value::Nothing),
            ("usrquota", Value::Nothing), ("grpquota", Value::Nothing), ("usrquota_block_hardlimit", Value::Amount),
            ("usrquota_inode_hardlimit", Value::Amount), ("grpquota_block_hardlimit", Value::Amount),
            ("grpquota_inode_hardlimit", Value::Amount), ("casefold", Value::Any), ("strict_encoding", Value::Nothing),
        ],
        "devpts" => &[
            ("newinstance", Value::Nothing), ("ptmxmode", Value::Octal), ("mode", Value::Octal), ("gid", Value::Id),
            ("uid", Value::Id), ("max", Value::Number),
        ],
        "proc" => &[
            ("hidepid", Value::Word(&["0", "1", "2", "4", "off", "noaccess", "invisible", "ptraceable"])),
            ("gid", Value::Number), ("subset", Value::Word(&["pid"])), ("pidns", Value::Any),
        ],
        "cgroup2" => &[
            ("nsdelegate", Value::Nothing), ("favordynmods", Value::Nothing), ("memory_localevents", Value::Nothing),
            ("memory_recursiveprot", Value::Nothing), ("memory_hugetlb_accounting", Value::Nothing),
            ("pids_localevents", Value::Nothing),
        ],
        "sysfs" | "mqueue" => &[],
        _ => return None,
    })
}

/// Labels of SELinux, which every filesystem takes where there is SELinux.
pub(super) fn is_label(name: &str) -> bool {
    matches!(name, "context" | "fscontext" | "defcontext" | "rootcontext" | "seclabel")
}

fn is_amount(text: &str) -> bool {
    let number = text.strip_suffix(|unit: char| "kKmMgGtTpPeE".contains(unit)).unwrap_or(text);
    let hexadecimal = number.strip_prefix("0x").or_else(|| number.strip_prefix("0X"));
    let digits = hexadecimal.unwrap_or(number);
    let is_digit =
        |byte: u8| byte.is_ascii_digit() || (hexadecimal.is_some() && byte.is_ascii_hexdigit());
    !digits.is_empty() && digits.bytes().all(is_digit)
}

impl Value {
    pub(super) fn accepts(self, value: Option<&str>) -> bool {
        let Some(text) = value else { return matches!(self, Self::Nothing | Self::Any) };
        match self {
            Self::Octal => u32::from_str_radix(text, 8).is_ok(),
            Self::Id => text.parse::<u32>().map_or_else(|_| is_amount(text), |id| id != u32::MAX),
            Self::Amount => is_amount(text),
            Self::Size => is_amount(text.strip_suffix('%').unwrap_or(text)),
            Self::Number => text.parse::<u32>().is_ok(),
            Self::Word(words) => words.contains(&text),
            Self::Policy => {
                let (mode, nodes) = text.split_once(':').unwrap_or((text, ""));
                match mode.split('=').next().unwrap_or_default() {
                    "bind" | "prefer (many)" => !nodes.is_empty(),
                    "default" | "local" => !text.contains(':'),
                    mode => matches!(mode, "prefer" | "interleave" | "weighted interleave"),
                }
            }
            Self::Any => true,
            Self::Nothing => false,
        }
    }
}
