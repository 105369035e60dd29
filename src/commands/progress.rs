//! The progress of a long read, for a person at a terminal.

use crate::image::Descriptor;
use crate::image::digest::Digest;
use crate::store::ImageStore;
use crate::store::metered::Metered;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

/// Blobs that are smaller are read too fast to be shown, in bytes.
const MIN_SIZE: u64 = 4 << 20;

/// The same source; if standard error is a terminal, the progress of large blobs is shown.
pub(super) fn shown(source: Arc<dyn ImageStore>) -> Arc<dyn ImageStore> {
    if !std::io::stderr().is_terminal() {
        return source;
    }
    let bars: Mutex<HashMap<Digest, ProgressBar>> = Mutex::default();
    let report = move |blob: &Descriptor, bytes: u64| {
        if blob.size < MIN_SIZE {
            return;
        }
        let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(blob.digest.clone()).or_insert_with(|| bar(blob));
        bar.inc(bytes);
        if bar.position() >= blob.size {
            bar.finish_and_clear();
        }
    };
    Arc::new(Metered::new(source, Arc::new(report)))
}

fn bar(blob: &Descriptor) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {bytes}/{total_bytes} {eta}");
    let hex: String = blob.digest.hex().chars().take(12).collect();
    let bar = ProgressBar::new(blob.size)
        .with_message(format!("reading layer {hex} ({})", HumanBytes(blob.size)));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
