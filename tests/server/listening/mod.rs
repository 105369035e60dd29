//! Listening as an operator meets it: the binary, its flags, its words and its exit codes.

mod activation;
mod busy_exit;
mod callers;
mod certificates;
mod client;
mod health_port;
mod refusals;
mod sockets;
mod stopped_reader;
mod tls;
mod tls_files;

use crate::support::other_user::{CopyForOthers, NOBODY};
use crate::support::say::say;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take that should be quick; long, for machines are noisy.
const SOON: Duration = Duration::from_secs(20);

/// The command, with an environment that says nothing.
fn specd() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_specd")))
}

fn clean(mut command: Command) -> Command {
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// `specd serve` beside a containerd that is not there, which it need not be.
fn serve(listen: &[&str]) -> Command {
    let mut command = specd();
    command.args(["serve", "--containerd", "/nonexistent/containerd.sock"]);
    for address in listen {
        command.args(["--listen", address]);
    }
    command
}

/// A server that runs, until dropped.
struct Running {
    child: Child,
    log: Receiver<String>,
    /// What it has logged so far.
    said: Vec<String>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (lines, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, log, said: vec![] }
    }

    /// The first line of the log, from now on, that has all of these in it.
    fn says(&mut self, wanted: &[&str]) -> String {
        let until = Instant::now() + SOON;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.log.recv_timeout(left) else {
                panic!("never said {wanted:?}: {:#?}", self.said);
            };
            self.said.push(line.clone());
            if wanted.iter().all(|wanted| line.contains(wanted)) {
                return line;
            }
        }
    }

    /// The address of the next listener that it logs.
    fn listens(&mut self) -> String {
        let line = self.says(&["listening", "address="]);
        let (_, address) = line.split_once("address=").unwrap();
        address.split_whitespace().next().unwrap().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Asks it to stop and waits for that.
    fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended()
    }

    fn ended(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let until = Instant::now() + SOON;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < until, "it goes on and on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs a command that should end by itself.
fn finished(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reader = std::thread::spawn(move || {
        let (mut stdout, mut stderr) = (vec![], vec![]);
        out.read_to_end(&mut stdout).unwrap();
        err.read_to_end(&mut stderr).unwrap();
        (stdout, stderr)
    });
    let until = Instant::now() + SOON;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it runs instead of ending: {command:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (stdout, stderr) = reader.join().unwrap();
    Output { status, stdout, stderr }
}

/// Asserts that a command ends with a code and one sentence that has all of these in it.
fn refused(command: &mut Command, code: i32, wanted: &[&str]) {
    let output = finished(command);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {text}");
    // clap adds lines about its usage; an error of ours is one line.
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    let [error] = errors[..] else { panic!("{command:?}: no single sentence in {text}") };
    for wanted in wanted {
        assert!(error.contains(wanted), "{command:?}: no {wanted:?} in {error}");
    }
}

/// Whether the server there says that its process lives, and what the client says.
fn lives(server: &str) -> Result<(), String> {
    ask(&mut specd(), server)
}

fn ask(command: &mut Command, server: &str) -> Result<(), String> {
    let output = finished(command.args(["health", "--service", "liveness", "--server", server]));
    let text = String::from_utf8(output.stderr).unwrap();
    if output.status.success() { Ok(()) } else { Err(text) }
}

fn unix(path: &Path) -> String {
    format!("unix://{}", path.display())
}

/// Whether this is root, which some tests need; says so where it is not.
fn is_root(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        say(&format!("SKIPPED: {test}: it needs root"));
    }
    is_root
}

/// The binary, for another user to run, and the same command as that user.
struct OtherUser(CopyForOthers);

impl OtherUser {
    fn new() -> Self {
        Self(CopyForOthers::of(Path::new(env!("CARGO_BIN_EXE_specd"))))
    }

    fn run(&self, command: &Command, uid: u32, gid: u32) -> Command {
        let mut other = clean(self.0.run_as(uid, gid));
        other.args(command.get_args());
        other
    }

    fn nobody(&self, command: &Command) -> Command {
        self.run(command, NOBODY, NOBODY)
    }
}
