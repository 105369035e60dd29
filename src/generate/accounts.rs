//! Users and groups out of account files, which may be large.

use crate::generate::{GenerateError, Generator};
use crate::image::AccountFiles;
use crate::users::AccountError;

/// Account files above this size, in bytes, are read through off the async workers.
const LARGE_ACCOUNT_FILES: usize = 64 << 10;

impl Generator {
    /// Reads through account files, off the async workers if they are large.
    pub(super) async fn read_accounts<T>(
        &self,
        files: &AccountFiles,
        read: impl FnOnce() -> Result<T, AccountError>,
    ) -> Result<T, GenerateError> {
        let found = match files.bytes() {
            ..=LARGE_ACCOUNT_FILES => read(),
            _ => self.workers.run_in_turn(async { read() }).await,
        };
        found.map_err(GenerateError::Account)
    }
}
