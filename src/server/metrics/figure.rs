//! A metric that reads its values from their owner at each scrape.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;

/// Whether a value can decrease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only increases.
    Counter,
    /// It increases and decreases.
    Gauge,
}

type Read = Box<dyn Fn() -> u64 + Send + Sync>;

/// A metric, with a function that reads each of its series.
pub struct Figure {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    series: Vec<(Vec<(&'static str, &'static str)>, Read)>,
}

impl Figure {
    /// A metric without series. The name of a counter does not include `_total`.
    #[must_use]
    pub fn new(name: &'static str, help: &'static str, kind: Kind) -> Self {
        Self { name, help, kind, series: Vec::new() }
    }

    /// Adds a series.
    #[must_use]
    pub fn with(
        mut self,
        labels: &[(&'static str, &'static str)],
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.series.push((labels.to_vec(), Box::new(read)));
        self
    }
}

impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.name, self.kind)
    }
}

impl Collector for Figure {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let kind = match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
        };
        let mut metric = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        for (labels, read) in &self.series {
            let series = metric.encode_family(labels)?;
            match self.kind {
                Kind::Counter => ConstCounter::new(read()).encode(series)?,
                Kind::Gauge => ConstGauge::new(read()).encode(series)?,
            }
        }
        Ok(())
    }
}
