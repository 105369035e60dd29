//! The program in Go: built where it is missing, started once a release, asked line by line.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The exit status of `build` where the program cannot be had on this machine.
const CANNOT_BE_HAD: i32 = 3;

/// What Go's client answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The spec in the form of `json.Marshal`.
    Spec(String),
    /// The error, or what panicked.
    Error(String),
}

#[derive(Deserialize)]
struct Line {
    release: Option<String>,
    spec: Option<Box<RawValue>>,
    error: Option<String>,
}

/// A program that runs.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Program {
    /// Starts the program of a release; or says why it cannot be had.
    pub(crate) fn start(version: &str) -> Result<Self, String> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/build");
        let built =
            Command::new(script).arg(version).output().map_err(|error| error.to_string())?;
        let log = String::from_utf8_lossy(&built.stderr).trim().to_owned();
        if built.status.code() == Some(CANNOT_BE_HAD) {
            return Err(log);
        }
        assert!(built.status.success(), "the oracle of {version} does not build: {log}");
        let path = String::from_utf8(built.stdout).unwrap();
        let mut child = Command::new(path.trim_end())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut program = Self { child, input, output };
        let hello = program.line(r#"{"hello":true}"#);
        assert_eq!(hello.release, Some(format!("v{version}")), "another release was linked");
        Ok(program)
    }

    /// Asks one question.
    pub(crate) fn ask(&mut self, question: &impl Serialize) -> Answer {
        match self.line(&serde_json::to_string(question).unwrap()) {
            Line { spec: Some(spec), .. } => Answer::Spec(spec.get().to_owned()),
            Line { error: Some(error), .. } => Answer::Error(error),
            Line { .. } => panic!("the oracle answers neither a spec nor an error"),
        }
    }

    fn line(&mut self, question: &str) -> Line {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{error} in the oracle's answer {line:?} to {question}"))
    }
}

impl Drop for Program {
    /// The end of its input is what ends the program, and takes its directory away.
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
