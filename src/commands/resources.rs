//! `specd resources`: resource limits for a running container. No server is needed.

use crate::api::pb::specd as pb;
use crate::api::{self, response, status};
use crate::commands::Failure;
use crate::commands::process::Output;
use crate::domain::encoding::Encoding;
use crate::spec::update::encode_resources;
use clap::Args;

/// Flags of `resources`; at least one limit is required.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  specd resources --memory-limit 67108864 --pids-limit 64")]
pub struct ResourcesArgs {
    /// The memory limit in bytes; -1 for no limit
    #[arg(long, value_name = "BYTES", env = "SPECD_MEMORY_LIMIT", allow_hyphen_values = true)]
    memory_limit: Option<i64>,
    /// The limit of memory and swap together in bytes; -1 for no limit
    #[arg(long, value_name = "BYTES", env = "SPECD_MEMORY_SWAP", allow_hyphen_values = true)]
    memory_swap: Option<i64>,
    /// The weight of CPU time relative to other containers
    #[arg(long, value_name = "WEIGHT", env = "SPECD_CPU_SHARES")]
    cpu_shares: Option<u64>,
    /// The CPU time in each period in microseconds; negative for no limit
    #[arg(long, value_name = "MICROSECONDS", env = "SPECD_CPU_QUOTA", allow_hyphen_values = true)]
    cpu_quota: Option<i64>,
    /// The period of the quota in microseconds
    #[arg(long, value_name = "MICROSECONDS", env = "SPECD_CPU_PERIOD")]
    cpu_period: Option<u64>,
    /// The CPUs that may be used, for example 0-1,4
    #[arg(long, value_name = "LIST", env = "SPECD_CPUS")]
    cpus: Option<String>,
    /// The largest number of processes and threads; -1 for no limit
    #[arg(long, value_name = "COUNT", env = "SPECD_PIDS_LIMIT", allow_hyphen_values = true)]
    pids_limit: Option<i64>,
    /// Print the Any, its type URL and its value in base64, instead of the JSON
    #[arg(long, env = "SPECD_ANY")]
    any: bool,
}

pub(super) fn run(args: ResourcesArgs) -> Result<(), Failure> {
    let ResourcesArgs {
        memory_limit: limit,
        memory_swap: swap,
        cpu_shares: shares,
        cpu_quota: quota,
        cpu_period: period,
        cpus,
        pids_limit,
        any,
    } = args;
    let memory = pb::MemoryResources { limit, swap, ..Default::default() };
    let cpu = pb::CpuResources { shares, quota, period, cpus, ..Default::default() };
    let resources = pb::ResourceOptions {
        memory: (memory != pb::MemoryResources::default()).then_some(memory),
        cpu: (cpu != pb::CpuResources::default()).then_some(cpu),
        pids_limit,
        ..Default::default()
    };
    let options = pb::UpdateOptions { resources: Some(resources) };
    let request = pb::GenerateResourcesRequest { options: Some(options), ..Default::default() };
    let request = api::request::update(request).map_err(|wrong| status::of(&wrong.into()))?;
    let limits = encode_resources(&request.resources).map_err(|error| status::of(&error.into()))?;
    let output = if any { Output::Any } else { Output::Json };
    output.print(response::resources(limits, Encoding::Any).resources)
}
