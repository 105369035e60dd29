//! Logs: their format, their filter, and their output.
//!
//! Each module decides what it logs, but never the values of environment variables, labels or specs.

mod queue;
pub mod traces;
mod verbosity;

pub use queue::LogQueue;
pub use verbosity::Verbosity;

use clap::ValueEnum;
use std::io::IsTerminal;
use std::sync::OnceLock;
use traces::Traces;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// The queue of the log of this process, if its log goes through one.
static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// How many lines the log of this process has dropped.
#[must_use]
pub fn dropped_lines() -> u64 {
    QUEUE.get().map_or(0, LogQueue::dropped)
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Text for people
    #[default]
    Text,
    /// One JSON object in each line
    Json,
}

/// The format and the filter of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// The format of a line.
    pub format: Format,
    /// Levels by target, for example `info` or `warn,specd=debug`.
    pub filter: String,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A part of the filter is invalid.
    #[error(
        "log filter {part:?} {reason}: expected a level (off, error, warn, info, debug, trace) or TARGET=LEVEL, separated by commas, for example warn,specd=debug"
    )]
    Filter {
        /// The invalid part.
        part: String,
        /// Its fault.
        reason: String,
    },
    /// There is another subscriber.
    #[error("logging is already set up")]
    Twice,
}

impl Telemetry {
    /// Sends the logs of the process to standard error, and its spans to the traces.
    ///
    /// # Errors
    ///
    /// If the filter is invalid, or logging is already set up.
    pub fn install(&self, traces: Option<&Traces>) -> Result<Verbosity, TelemetryError> {
        self.install_writer(std::io::stderr, traces)
    }

    /// The same with lines that go through a queue, so that logging never waits for the reader of the log.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn install_queue(
        &self,
        queue: LogQueue,
        traces: Option<&Traces>,
    ) -> Result<Verbosity, TelemetryError> {
        let installed = QUEUE.get_or_init(|| queue).clone();
        self.install_writer(move || installed.clone(), traces)
    }

    fn install_writer<W>(
        &self,
        writer: W,
        traces: Option<&Traces>,
    ) -> Result<Verbosity, TelemetryError>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let colours = std::io::stderr().is_terminal();
        let (subscriber, verbosity) = self.build(writer, colours, traces)?;
        tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)?;
        Ok(verbosity)
    }

    /// A subscriber that writes to a writer.
    ///
    /// # Errors
    ///
    /// If the filter is invalid.
    pub fn subscriber<W>(
        &self,
        writer: W,
        colours: bool,
    ) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.build(writer, colours, None).map(|(subscriber, _)| subscriber)
    }

    /// A subscriber that writes to a writer and makes traces, and the switch of its log level.
    ///
    /// # Errors
    ///
    /// If the filter is invalid.
    pub fn build<W>(
        &self,
        writer: W,
        colours: bool,
        traces: Option<&Traces>,
    ) -> Result<(Box<dyn Subscriber + Send + Sync>, Verbosity), TelemetryError>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        // The filter is only for the log: traces do not depend on it.
        let (filter, handle) = reload::Layer::new(filter(&self.filter)?);
        let verbosity = Verbosity::new(&self.filter, move |filter| handle.reload(filter).is_ok());
        let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours);
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match self.format {
            Format::Text => lines.with_filter(filter).boxed(),
            // All spans, not only the innermost: the request id is in the outermost.
            Format::Json => lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_filter(filter)
                .boxed(),
        };
        let registry = Registry::default().with(lines);
        let subscriber: Box<dyn Subscriber + Send + Sync> = match traces {
            Some(traces) => Box::new(registry.with(traces.layer())),
            None => Box::new(registry),
        };
        Ok((subscriber, verbosity))
    }
}

/// Parses a filter.
///
/// It is stricter than the syntax: a word that is not a level would be the name of a target, and `inof` would
/// silently disable the log.
fn filter(text: &str) -> Result<EnvFilter, TelemetryError> {
    let refuse = |part: &str, reason: &str| TelemetryError::Filter {
        part: part.to_owned(),
        reason: reason.to_owned(),
    };
    // Commas inside of `[span{field=value,..}]` do not separate directives, so such a text is not split.
    let parts: Vec<&str> =
        if text.contains('[') { vec![] } else { text.split(',').map(str::trim).collect() };
    for part in &parts {
        let level = part.rsplit_once('=').map_or(*part, |(_, level)| level);
        if level.is_empty() || level.parse::<LevelFilter>().is_err() {
            return Err(refuse(part, "has no level"));
        }
    }
    let text = if parts.is_empty() { text.to_owned() } else { parts.join(",") };
    EnvFilter::builder()
        .parse(&text)
        .map_err(|error| refuse(&text, &format!("does not parse ({error})")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, filter: &str) -> String {
        let sink = Sink::default();
        let telemetry = Telemetry { format, filter: filter.to_owned() };
        let writer = sink.clone();
        let subscriber = telemetry.subscriber(move || writer.clone(), false).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("call", request_id = "r1").entered();
            tracing::info!(code = "OK", "first");
            tracing::debug!("second");
        });
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn text_is_a_line_with_its_span() {
        let text = logged(Format::Text, "info");
        assert_eq!(text.lines().count(), 1);
        for part in ["INFO", "call{request_id=\"r1\"}", "first code=\"OK\""] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn json_is_an_object_a_line() {
        let text = logged(Format::Json, "off,specd=debug");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["message"], "first");
        assert_eq!(lines[0]["code"], "OK");
        assert_eq!(lines[0]["spans"][0]["request_id"], "r1");
        assert_eq!(lines[1]["level"], "DEBUG");
    }

    #[test]
    fn the_level_changes_while_it_runs() {
        let sink = Sink::default();
        let writer = sink.clone();
        let telemetry = Telemetry { format: Format::Text, filter: "warn".to_owned() };
        let (subscriber, verbosity) = telemetry.build(move || writer.clone(), false, None).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!("first");
            assert_eq!(verbosity.switch(), "warn,specd=debug");
            tracing::debug!("second");
            assert_eq!(verbosity.switch(), "warn");
            tracing::debug!("third");
            tracing::warn!("fourth");
        });
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let logged: Vec<_> =
            text.lines().filter_map(|line| line.split_whitespace().last()).collect();
        assert_eq!(logged, ["second", "fourth"]);
    }

    #[test]
    fn an_invalid_part_of_a_filter_is_named() {
        for (text, part) in [
            ("inof", "inof"),
            ("", ""),
            ("info,specd", "specd"),
            ("specd=loud", "specd=loud"),
            ("info,,debug", ""),
            ("specd[call=info", "specd[call=info"),
        ] {
            let error = filter(text).unwrap_err().to_string();
            assert!(error.contains(&format!("log filter {part:?}")), "{text:?}: {error}");
            assert!(error.contains("warn,specd=debug"), "{error}");
        }
    }

    #[test]
    fn filters_are_accepted_as_documented() {
        for text in ["info", "OFF", "warn,specd=debug", "info, specd::server=trace", "[call]=debug"]
        {
            assert!(filter(text).is_ok(), "{text}");
        }
    }
}
