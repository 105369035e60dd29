//! Takes over certificates and keys when their files change.
//!
//! It reads and compares instead of waiting for events: that sees every way of changing a file, the swap
//! of a symlink two directories up included, which is how Kubernetes does it.

use crate::server::tls::Tls;
use crate::server::tls::files::{Fingerprint, Pem, TlsError};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Tls {
    /// Reads the files again and again, and takes over what has changed.
    ///
    /// A change counts once two looks in a row have seen the same, for a certificate and its key are rarely
    /// written in one stroke. Files that cannot be used leave what was in force there, are logged and
    /// counted once, and looked at again when they have changed. Connections that are open go on as they
    /// began.
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
