//! What is logged, kept for the thread of a test.

use specd::telemetry::{Format, Telemetry};
use std::io;
use std::sync::{Arc, Mutex, Once};
use tracing::subscriber::DefaultGuard;

/// Logs that are kept, for the thread of the test.
#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logs {
    /// Keeps what the filter lets through until the guard is dropped.
    pub(crate) fn keep(filter: &str) -> (Self, DefaultGuard) {
        want_everything();
        let logs = Self::default();
        let telemetry = Telemetry { format: Format::Json, filter: filter.to_owned() };
        let writer = logs.clone();
        let subscriber = telemetry.subscriber(move || writer.clone(), false).unwrap();
        (logs, tracing::subscriber::set_default(subscriber))
    }

    /// All lines.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines with a message.
    pub(crate) fn with(&self, message: &str) -> Vec<serde_json::Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &serde_json::Value| line["message"] == message).collect()
    }
}

/// Sets a subscriber that wants every event and shows none. Whether anybody wants an event is remembered for
/// all threads together; with this one no test on another thread can make that a no.
pub(crate) fn want_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let everything = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
        let into_nothing = everything.with_writer(io::sink).finish();
        tracing::subscriber::set_global_default(into_nothing).unwrap();
    });
}
