//! Tells systemd, where it started us and asked for it, that we serve and that we stop.

use sd_notify::NotifyState;

/// The sockets take connections. Whether the source answers is health's to say: a unit that waited for
/// it would hold up the boot.
pub fn ready() {
    tell(NotifyState::Ready);
}

/// The wish to stop has come.
pub fn stopping() {
    tell(NotifyState::Stopping);
}

/// Does nothing where `NOTIFY_SOCKET` is not set.
fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}
