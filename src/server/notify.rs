//! Notifies systemd that the server is ready and that it stops, if systemd started it and asks for it.

use sd_notify::NotifyState;

/// The sockets accept connections. Whether the source answers is left to health: a unit that waited for it
/// would delay the boot.
pub fn ready() {
    notify(NotifyState::Ready);
}

/// Shutdown was requested.
pub fn stopping() {
    notify(NotifyState::Stopping);
}

/// Does nothing if `NOTIFY_SOCKET` is not set.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}
