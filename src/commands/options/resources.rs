//! The flags of resource limits, for `generate`, `explain` and `resources`.

use super::some;
use super::values::memory;
use crate::api::pb::specd as pb;
use crate::commands::flag_values::number;
use clap::Args;

/// The period of the quota that `--cpus` becomes, in microseconds. Docker uses the same.
const PERIOD: u64 = 100_000;

/// Resource limits.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Resources")]
pub(in crate::commands) struct ResourceArgs {
    /// The memory limit, for example 64m; -1 for no limit
    #[arg(long, short = 'm', value_name = "BYTES", env = "SPECD_MEMORY", allow_negative_numbers = true, value_parser = memory)]
    memory: Option<i64>,
    /// The memory limit that applies when the system is short of memory, for example 64m; -1 for no limit
    #[arg(long, value_name = "BYTES", env = "SPECD_MEMORY_RESERVATION", allow_negative_numbers = true, value_parser = memory)]
    memory_reservation: Option<i64>,
    /// The limit of memory and swap together, for example 128m; -1 for no limit
    #[arg(long, value_name = "BYTES", env = "SPECD_MEMORY_SWAP", allow_negative_numbers = true, value_parser = memory)]
    memory_swap: Option<i64>,
    /// The number of CPUs, for example 1.5: a quota in a period of 100000 microseconds
    #[arg(long, value_name = "NUMBER", env = "SPECD_CPUS", value_parser = quota_of_cpus, conflicts_with_all = ["cpu_quota", "cpu_period"])]
    cpus: Option<i64>,
    /// The weight of CPU time relative to other containers
    #[arg(long, value_name = "WEIGHT", env = "SPECD_CPU_SHARES", value_parser = number::<u64>("expected a weight, for example 512"))]
    cpu_shares: Option<u64>,
    /// The CPU time in each period in microseconds; -1 for no limit
    #[arg(
        long,
        value_name = "MICROSECONDS",
        env = "SPECD_CPU_QUOTA",
        allow_negative_numbers = true,
        value_parser = number::<i64>("expected a number of microseconds, for example 50000, or -1 for no limit")
    )]
    cpu_quota: Option<i64>,
    /// The period of the quota in microseconds
    #[arg(long, value_name = "MICROSECONDS", env = "SPECD_CPU_PERIOD", value_parser = number::<u64>("expected a number of microseconds, for example 100000"))]
    cpu_period: Option<u64>,
    /// The CPUs that may be used, for example 0-1,4
    #[arg(long, value_name = "LIST", env = "SPECD_CPUSET_CPUS")]
    cpuset_cpus: Option<String>,
    /// The memory nodes that may be used, for example 0
    #[arg(long, value_name = "LIST", env = "SPECD_CPUSET_MEMS")]
    cpuset_mems: Option<String>,
    /// The largest number of processes and threads; -1 for no limit
    #[arg(long, value_name = "COUNT", env = "SPECD_PIDS_LIMIT", allow_negative_numbers = true, value_parser = pids)]
    pids_limit: Option<i64>,
    /// The weight of block device I/O relative to other containers, 10 to 1000
    #[arg(long, value_name = "WEIGHT", env = "SPECD_BLKIO_WEIGHT", value_parser = number::<u32>("expected a weight of 10 to 1000, for example 300"))]
    blkio_weight: Option<u32>,
}

impl ResourceArgs {
    pub(in crate::commands) fn options(self) -> Option<pb::ResourceOptions> {
        let Self {
            memory: limit,
            memory_reservation: reservation,
            memory_swap: swap,
            cpus,
            cpu_shares: shares,
            cpu_quota,
            cpu_period,
            cpuset_cpus: cpus_allowed,
            cpuset_mems: mems,
            pids_limit,
            blkio_weight: weight,
        } = self;
        some(pb::ResourceOptions {
            memory: some(pb::MemoryResources { limit, reservation, swap, ..Default::default() }),
            cpu: some(pb::CpuResources {
                shares,
                quota: cpus.or(cpu_quota),
                period: cpus.map(|_| PERIOD).or(cpu_period),
                cpus: cpus_allowed,
                mems,
                ..Default::default()
            }),
            pids_limit,
            block_io: some(pb::BlockIoResources { weight, ..Default::default() }),
            ..Default::default()
        })
    }
}

/// Parses a number of CPUs, and returns the quota. Docker: `opts.ParseCPUs`; the smallest quota of Linux is 1000.
fn quota_of_cpus(text: &str) -> Result<i64, &'static str> {
    const EXPECTED: &str = "expected a number of CPUs from 0.01 to 1000000, for example 1.5";
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || text.len() > 24 || fraction.is_empty() {
        return Err(EXPECTED);
    }
    let micros = format!("{whole:0>1}{fraction:0<5.5}").parse::<i64>().map_err(|_| EXPECTED)?;
    if (1000..=100_000_000_000).contains(&micros) { Ok(micros) } else { Err(EXPECTED) }
}

fn pids(text: &str) -> Result<i64, &'static str> {
    let count = text.parse().ok().filter(|count| *count == -1 || *count > 0);
    count.ok_or("expected a number of processes, or -1 for no limit")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{options, refused};
    use super::*;

    #[test]
    fn cpus_are_a_quota() {
        for (text, quota) in [
            ("1.5", 150_000),
            (".5", 50_000),
            ("0.01", 1000),
            ("2", 200_000),
            ("1.0000019", 100_000),
        ] {
            assert_eq!(quota_of_cpus(text), Ok(quota), "{text}");
        }
        for text in ["", ".", "0", "0.009", "-1", "1.", "1/2", "1,5", "1e3", "x", "1000001", "+1"] {
            assert!(quota_of_cpus(text).unwrap_err().contains("for example 1.5"), "{text}");
        }
    }

    #[test]
    fn limits_become_resources() {
        let flags = "--memory 64m --memory-reservation 32m --memory-swap -1 --cpus 1.5 --cpu-shares 512 \
                     --cpuset-cpus 0-1 --cpuset-mems 0 --pids-limit 100 --blkio-weight 300";
        let found = options(flags).resources.unwrap();
        let memory = found.memory.unwrap();
        assert_eq!(
            (memory.limit, memory.reservation, memory.swap),
            (Some(64 << 20), Some(32 << 20), Some(-1))
        );
        let cpu = found.cpu.unwrap();
        assert_eq!((cpu.quota, cpu.period, cpu.shares), (Some(150_000), Some(100_000), Some(512)));
        assert_eq!((cpu.cpus.as_deref(), cpu.mems.as_deref()), (Some("0-1"), Some("0")));
        assert_eq!((found.pids_limit, found.block_io.unwrap().weight), (Some(100), Some(300)));

        let cpu = options("--cpu-quota 5000 --cpu-period 10000").resources.unwrap().cpu.unwrap();
        assert_eq!((cpu.quota, cpu.period), (Some(5000), Some(10_000)));
        assert_eq!(options("-m 64m"), options("--memory=64m"));
        assert_eq!(options("--pids-limit -1").resources.unwrap().pids_limit, Some(-1));
    }

    #[test]
    fn a_wrong_limit_is_named() {
        for (flags, words) in [
            ("--memory 64q", "'--memory <BYTES>': expected a number of bytes"),
            ("--memory-swap x", "'--memory-swap <BYTES>'"),
            ("--cpus x", "'--cpus <NUMBER>': expected a number of CPUs"),
            ("--pids-limit 0", "'--pids-limit <COUNT>': expected a number of processes"),
            ("--cpus 1 --cpu-quota 1000", "cannot be used with"),
            ("--cpu-shares=-1", "'--cpu-shares <WEIGHT>': expected a weight, for example 512"),
            ("--cpu-quota x", "expected a number of microseconds, for example 50000, or -1"),
            ("--cpu-period x", "expected a number of microseconds"),
            ("--blkio-weight x", "expected a weight of 10 to 1000"),
        ] {
            refused(flags, words);
        }
    }
}
