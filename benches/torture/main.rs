//! `make torture`: attacks on the release binary in a control group of the size that the chart gives it, with honest clients
//! beside each. A row of the table is an attack; `row` says what is measured and when the server holds.
//!
//!     torture              all rows; the table goes to docs/torture.md
//!     torture ROW...       these rows; the document stays as it is
//!     torture list         the names of the rows
//!
//! `TORTURE_SECONDS` sets how long each attack takes (5), `SOAK` how long the soak takes, `TORTURE_BINARY` another binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a program for developers, which panics and prints as tests do"
)]

mod arena;
mod calls;
mod cpus;
mod honest;
mod http2;
mod images;
mod overload;
mod places;
mod requests;
mod row;
mod server;
mod soak;
mod source;
#[path = "../../tests/support"]
mod support {
    pub(crate) mod api_fields;
    pub(crate) mod archive;
    pub(crate) mod certificates;
    pub(crate) mod control_group;
    pub(crate) mod daemon;
    pub(crate) mod hostile_layers;
    pub(crate) mod http2;
    pub(crate) mod layout;
    pub(crate) mod limited_group;
    pub(crate) mod say;
    pub(crate) mod tls_client;
}

use cpus::Attackers;
use row::{Measured, Row};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// Where the table goes.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/torture.md");
const START: &str = "<!-- measured -->\n";
const END: &str = "<!-- end -->";

/// All rows, in the order of the table.
fn rows() -> Vec<&'static Row> {
    let groups = [
        soak::ROWS,
        http2::ROWS,
        requests::ROWS,
        images::ROWS,
        places::ROWS,
        source::ROWS,
        overload::ROWS,
    ];
    let mut rows: Vec<&Row> = groups.into_iter().flatten().collect();
    // The soak comes last, since it may take long.
    rows.sort_by_key(|row| row.name == "soak");
    rows
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [places::HOLD, socket] => {
            places::hold_connections(socket);
            ExitCode::SUCCESS
        }
        ["list"] => {
            rows().iter().for_each(|row| println!("{:24} {}", row.name, row.what));
            ExitCode::SUCCESS
        }
        // `cargo bench` runs every bench without arguments.
        [] => ExitCode::SUCCESS,
        ["all"] => torture(&rows(), true),
        _ => {
            let chosen: Vec<&Row> =
                rows().into_iter().filter(|row| args.contains(&row.name)).collect();
            if let Some(unknown) =
                args.iter().find(|arg| chosen.iter().all(|row| row.name != **arg))
            {
                eprintln!("error: no row is named {unknown}; `torture list` prints the names");
                return ExitCode::from(2);
            }
            torture(&chosen, false)
        }
    }
}

fn torture(rows: &[&Row], writes: bool) -> ExitCode {
    let binary = std::env::var_os("TORTURE_BINARY")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_specd")), PathBuf::from);
    let seconds =
        std::env::var("TORTURE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let group = Attackers::new();
    let (honest_clients, attackers) = (runtime(cpus::be_prompt), runtime(group.enter()));
    let started = Instant::now();
    let mut measured = Vec::new();
    let mut skipped = Vec::new();
    print!("{}", Measured::HEAD);
    for (nth, row) in rows.iter().enumerate() {
        eprintln!(
            "==> {} of {}: {} ({} s)",
            nth + 1,
            rows.len(),
            row.name,
            started.elapsed().as_secs()
        );
        match row.run(&binary, seconds, &honest_clients, &attackers) {
            Ok(row) => {
                println!("{}", row.line());
                measured.push(row);
            }
            Err(why) => {
                eprintln!("error: {} could not be run: {why}", row.name);
                skipped.push(row.name);
            }
        }
    }
    let failed: Vec<&str> =
        measured.iter().filter(|row| !row.faults.is_empty()).map(|row| row.name).collect();
    let minutes = started.elapsed().as_secs().div_ceil(60);
    let holds = measured.len() - failed.len();
    eprintln!(
        "{holds} of {} rows hold, in {minutes} min; FAILED: {failed:?}; not run: {skipped:?}",
        rows.len()
    );
    if writes && skipped.is_empty() {
        write_document(&measured, seconds, minutes);
    }
    // Tasks of an attack that still wait for something do not keep the program.
    honest_clients.shutdown_timeout(Duration::from_secs(1));
    attackers.shutdown_timeout(Duration::from_secs(1));
    if failed.is_empty() && skipped.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn runtime(enter: impl Fn() + Send + Sync + 'static) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(enter)
        .enable_all()
        .build()
        .unwrap()
}

fn write_document(measured: &[Measured], seconds: u64, minutes: u64) {
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let (head, rest) = text.split_once(START).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let lines: Vec<String> = measured.iter().map(Measured::line).collect();
    let table = format!(
        "{head}{START}{}\nEach attack took {seconds} s, all of it {minutes} min.\n\n{}{}\n{END}{tail}",
        machine(),
        Measured::HEAD,
        lines.join("\n"),
    );
    std::fs::write(DOCUMENT, table).unwrap();
}

/// The size of this machine.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = read("/proc/cpuinfo");
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let meminfo = read("/proc/meminfo");
    let kib = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    let kib: u64 = kib.trim().trim_end_matches(" kB").parse().unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    format!(
        "Machine: {cpus} CPUs, {model}, {} GiB, Linux {}; server, clients and attackers share it. Load average at the end: {}.",
        kib >> 20,
        kernel.trim(),
        load.split(' ').next().unwrap_or_default(),
    )
}
