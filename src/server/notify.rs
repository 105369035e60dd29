//! Notifies systemd that the server is ready, that it works, that it reads files again and that it stops, if systemd
//! started it and asks for it.

use sd_notify::NotifyState;

/// The sockets accept connections. Whether the source answers is left to health: a unit that waited for it
/// would delay the boot.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// Shutdown was requested.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Files are read again, until [`ready`].
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        // By the time, systemd knows which of its requests this answers.
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "cannot notify systemd of a reload"),
    }
}

/// Notifies systemd that this process works, twice as often as its watchdog needs; at once over without a watchdog.
pub async fn keep_alive() {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval(within / 2);
    loop {
        ticks.tick().await;
        notify(&[NotifyState::Watchdog]);
    }
}

/// Does nothing if `NOTIFY_SOCKET` is not set.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}
