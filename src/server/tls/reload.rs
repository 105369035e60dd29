//! Loads certificates and keys when their files change.
//!
//! It reads and compares instead of waiting for events: that notices every kind of change, for example the swap
//! of a symlink two directories up, which Kubernetes does.

use crate::server::tls::Tls;
use crate::server::tls::files::{Fingerprint, Pem, TlsError};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Tls {
    /// Reads the files periodically, and loads them when they have changed.
    ///
    /// A change is used once two reads in a row give the same, because a certificate and its key are rarely
    /// written at the same time. If the files cannot be used, the old ones stay in force, this is logged and
    /// counted once, and they are tried again when they have changed. Open connections are not affected.
    pub async fn follow(&self, every: Duration) {
        let mut known = self.0.first;
        let mut seen = known;
        loop {
            tokio::time::sleep(every).await;
            let read = Pem::read(&self.0.options.files).await;
            let now = fingerprint(&read);
            let is_settled = std::mem::replace(&mut seen, now) == now;
            if now == known || !is_settled {
                continue;
            }
            known = now;
            match read.and_then(|pem| pem.config(&self.0.options)) {
                Ok(config) => {
                    self.0.current.store(Arc::new(config));
                    tracing::info!("TLS files have changed and are in force");
                }
                Err(error) => {
                    self.0.failures.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(%error, "TLS files have changed and cannot be used, the old ones stay in force");
                }
            }
        }
    }
}

fn fingerprint(read: &Result<Pem, TlsError>) -> Fingerprint {
    match read {
        Ok(pem) => pem.fingerprint(),
        Err(error) => Sha256::digest(error.to_string()).into(),
    }
}
