//! The release binary in a control group of the size that the chart gives it, and what it takes of the machine.

use crate::support::limited_group::LimitedGroup;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The limits of the chart.
pub(crate) const MEMORY: u64 = 512 << 20;
pub(crate) const CPUS: u32 = 2;

/// How long the server may take to start, and how long the program waits for its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the log of the server goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// Into a file.
    File,
    /// Into a pipe that nobody reads.
    Unread,
}

/// What to start.
pub(crate) struct Start {
    pub(crate) binary: PathBuf,
    pub(crate) flags: Vec<String>,
    pub(crate) log: Log,
    /// The most descriptors that it may have.
    pub(crate) descriptors: Option<u32>,
    /// Whether its port is for clients with a certificate.
    pub(crate) tls: Vec<String>,
}

/// How it ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exit {
    pub(crate) status: ExitStatus,
    /// The time since SIGTERM.
    pub(crate) took: Duration,
}

/// A server that runs.
pub(crate) struct Server {
    child: Mutex<Child>,
    pid: Pid,
    exit: Mutex<Option<Exit>>,
    group: LimitedGroup,
    /// The most memory so far, in bytes; it is still known when the process has ended.
    peak: Arc<AtomicU64>,
    log: PathBuf,
    pub(crate) tcp: SocketAddr,
    pub(crate) unix: PathBuf,
    pub(crate) health: SocketAddr,
}

impl Server {
    /// Starts one with three addresses: a port, a socket in the directory, and a port for health.
    pub(crate) fn start(start: &Start, directory: &Path) -> Result<Self, String> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("specd-torture-{}-{number}", std::process::id());
        let group = LimitedGroup::new(&name, MEMORY, CPUS)?;
        let (tcp, health) = (free_port()?, free_port()?);
        let (unix, log) = (directory.join("specd.sock"), directory.join("log"));
        let mut command = group.run(&start.binary, start.descriptors);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("RUST_BACKTRACE", "1");
        // As in the image and in the unit of systemd.
        command.env("MIMALLOC_DISALLOW_ARENA_ALLOC", "1");
        command.args(["serve", "--listen", &format!("tcp://{tcp}")]);
        command.args(["--listen", &format!("unix://{}", unix.display())]);
        command.args(["--health-listen", &format!("tcp://{health}")]);
        command.args(&start.tls).args(&start.flags);
        let stderr = match start.log {
            Log::File => File::create(&log).map_err(|error| error.to_string())?.into(),
            Log::Unread => Stdio::piped(),
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let child = command.spawn().map_err(|error| error.to_string())?;
        let (pid, peak) = (Pid::from_child(&child), Arc::new(AtomicU64::new(0)));
        watch_memory(pid, Arc::downgrade(&peak));
        let (child, exit) = (Mutex::new(child), Mutex::new(None));
        let server = Self { child, pid, exit, group, peak, log, tcp, unix, health };
        let started = Instant::now();
        while std::os::unix::net::UnixStream::connect(&server.unix).is_err() {
            if !server.is_alive() || started.elapsed() > PATIENCE {
                return Err(format!("the server does not start: {}", server.said()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.child.lock().unwrap().try_wait().is_ok_and(|status| status.is_none())
    }

    /// The process.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// The CPU time so far.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let Some((_, fields)) = stat.rsplit_once(") ") else { return Duration::ZERO };
        let ticks =
            fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
        // The kernel states ticks of 10 ms, whatever its own clock is.
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// The memory now, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        status(self.pid, "VmRSS:").unwrap_or_default()
    }

    /// The most memory so far, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        let now = status(self.pid, "VmHWM:").unwrap_or_default();
        self.peak.fetch_max(now, Ordering::Relaxed).max(now)
    }

    /// The descriptors that are open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).map_or(0, Iterator::count)
    }

    /// How often the kernel has killed it.
    pub(crate) fn killed(&self) -> u64 {
        self.group.killed()
    }

    /// The log so far; of one that nobody reads nothing.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The last lines of the log.
    pub(crate) fn said(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("; ")
    }

    /// Asks it to end, once, and waits for that; kills it where it does not.
    pub(crate) fn stop(&self) -> Exit {
        let mut exit = self.exit.lock().unwrap();
        if let Some(exit) = *exit {
            return exit;
        }
        let started = Instant::now();
        let _ = kill_process(self.pid, Signal::TERM);
        let mut child = self.child.lock().unwrap();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if started.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                _ => {
                    let _ = child.kill();
                    break child.wait().unwrap();
                }
            }
        };
        *exit.insert(Exit { status, took: started.elapsed() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Keeps the most memory of a process, until nobody asks for it.
fn watch_memory(pid: Pid, peak: std::sync::Weak<AtomicU64>) {
    std::thread::spawn(move || {
        while let Some(peak) = peak.upgrade() {
            let Some(bytes) = status(pid, "VmHWM:") else { return };
            peak.fetch_max(bytes, Ordering::Relaxed);
            drop(peak);
            std::thread::sleep(Duration::from_millis(50));
        }
    });
}

/// A number of bytes in the status of a process.
fn status(pid: Pid, key: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}

fn free_port() -> Result<SocketAddr, String> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound.map_err(|error| format!("no free port: {error}"))
}
