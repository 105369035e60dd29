//! Users and groups out of account files, which may be large: few calls at a time hold such files.

use crate::generate::{GenerateError, Generator};
use crate::image::AccountFiles;
use crate::users::AccountError;
use std::borrow::Borrow;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Account files above this size, in bytes, are large.
const LARGE: usize = 64 << 10;

/// How many calls may hold large files at a time.
const HOLDERS: usize = 2;

/// The places of calls that hold large account files.
#[derive(Debug, Clone)]
pub(super) struct LargeFiles(Arc<Semaphore>);

impl Default for LargeFiles {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(HOLDERS)))
    }
}

/// Account files that a call holds, with its place if they are large.
pub(super) struct HeldFiles<'a, F> {
    pub(super) files: F,
    _place: Option<SemaphorePermit<'a>>,
}

impl Generator {
    /// Reads account files. Large ones are read again when the call has a place: most are cached by then, and a call that
    /// waits holds none.
    pub(super) async fn hold_account_files<F, E, R>(
        &self,
        read: impl Fn() -> R,
    ) -> Result<HeldFiles<'_, F>, E>
    where
        F: Borrow<AccountFiles>,
        R: Future<Output = Result<F, E>>,
    {
        let files = read().await?;
        if files.borrow().bytes() <= LARGE {
            return Ok(HeldFiles { files, _place: None });
        }
        drop(files);
        // The semaphore is never closed.
        let place = self.large_files.0.acquire().await.ok();
        Ok(HeldFiles { files: read().await?, _place: place })
    }

    /// Looks something up in account files, off the async workers if they are large.
    pub(super) async fn look_up<T>(
        &self,
        files: &AccountFiles,
        look_up: impl FnOnce() -> Result<T, AccountError>,
    ) -> Result<T, GenerateError> {
        let found = match files.bytes() {
            ..=LARGE => look_up(),
            _ => self.workers.run_in_turn(async { look_up() }).await,
        };
        found.map_err(GenerateError::Account)
    }
}
