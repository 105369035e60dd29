//! The clients as programs: where they were built, and how each is run.

use crate::support::say::say;
use std::env;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a client may take; long, for machines are noisy.
const SOON: Duration = Duration::from_secs(180);

/// A client in some language.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Client {
    Python,
    PythonAio,
    PythonJson,
    Java,
    Go,
    Node,
    NodeConnect,
}

/// An installed client.
pub(crate) struct Program(Command);

/// How a client ended, and what it said.
pub(crate) struct Ended {
    pub(crate) succeeded: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Client {
    /// The client's program, or a word that the test is skipped.
    pub(crate) fn program(self) -> Option<Program> {
        let language = match self {
            Self::Python | Self::PythonAio | Self::PythonJson => "python",
            Self::Java => "java",
            Self::Go => "go",
            Self::Node | Self::NodeConnect => "node",
        };
        let built = tools().join("clients").join(language);
        if !built.join(".stamp").exists() {
            let required = env::var_os("SPECD_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
            assert!(!required, "the {language} client is required: .ci/tools clients builds it");
            say(&format!("SKIPPED: {self:?}: .ci/tools clients has not built it"));
            return None;
        }
        let sources =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/system/clients").join(language);
        let command = match self {
            Self::Python | Self::PythonAio => {
                let mut python = Command::new(built.join("bin/python"));
                python.arg("-B").arg(sources.join("client.py"));
                python.arg(if matches!(self, Self::PythonAio) { "aio" } else { "sync" });
                python
            }
            Self::PythonJson => {
                let mut python = Command::new(built.join("bin/python"));
                python.arg("-B").arg(sources.join("print_json.py"));
                python
            }
            Self::Java => {
                let mut java = Command::new("java");
                let classes = format!("{0}/classes:{0}/jars/*", built.display());
                java.args(["-cp", &classes, "Client"]);
                java
            }
            Self::Go => Command::new(built.join("client")),
            Self::Node | Self::NodeConnect => {
                let mut node = Command::new("node");
                node.env("NODE_PATH", built.join("node_modules"));
                let connect = matches!(self, Self::NodeConnect);
                node.arg(sources.join(if connect { "connect.js" } else { "client.js" }));
                node
            }
        };
        Some(Program(command))
    }
}

impl Program {
    pub(crate) async fn run(mut self, arguments: &[&str]) -> Ended {
        // Files, for a pipe that nobody reads is full one day.
        let [mut stdout, mut stderr] = [(), ()].map(|()| tempfile::tempfile().unwrap());
        self.0.args(arguments).stdin(Stdio::null());
        self.0.stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
        let mut child = self.0.spawn().unwrap();
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > SOON {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("the client does not end: {}", text(&mut stderr));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let (stdout, stderr) = (text(&mut stdout), text(&mut stderr));
        Ended { succeeded: status.success(), stdout, stderr }
    }
}

/// All that is in a file.
fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Where `.ci/tools` puts what it installs.
pub(crate) fn tools() -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("SPECD_TOOLS").unwrap_or_else(|| {
        set("XDG_CACHE_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".cache")))
            .expect("HOME is set")
            .join("specd/tools")
    })
}
