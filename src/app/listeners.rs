//! From a configuration to bound sockets.

use crate::config::listening::ListenConfig;
use crate::server::activation::{Activation, PassedError};
use crate::server::listen::{AddressError, BindError, BindOptions, Callers, ListenOn, Listener};

/// Why there is no listening.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// An address is none.
    #[error("--listen: {0}")]
    Address(#[from] AddressError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// What systemd passed cannot be listened on.
    #[error("--listen: {0}")]
    Passed(#[from] PassedError),
}

/// Binds every address; where one fails, those before it are released.
pub(super) async fn bind(
    config: &ListenConfig,
    mut activation: Activation,
) -> Result<Vec<Listener>, ListenError> {
    let options = BindOptions {
        socket_mode: config.socket_mode,
        socket_gid: config.socket_gid,
        callers: Callers { uids: config.allow_uid.clone(), gids: config.allow_gid.clone() },
        insecure_tcp: config.insecure_tcp,
    };
    let wanted: Vec<ListenOn> =
        config.listen.iter().map(|text| text.parse()).collect::<Result<_, AddressError>>()?;
    let mut listeners = Vec::new();
    for on in &wanted {
        match on {
            ListenOn::Address(address) => listeners.push(Listener::bind(address, &options).await?),
            ListenOn::Passed(name) => {
                listeners.extend(activation.take(name.as_deref(), &options)?);
            }
        }
    }
    for passed in activation.left() {
        tracing::warn!(%passed, "systemd passed a socket that no --listen takes");
    }
    Ok(listeners)
}

impl ListenError {
    /// Whether what was typed is wrong, whatever the machine.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Address(_)
                | Self::Bind(BindError::NotLoopback(_))
                | Self::Passed(PassedError::Bind(BindError::NotLoopback(_)))
        )
    }
}
