//! From a configuration to bound sockets.

use crate::config::listening::{ListenConfig, TlsConfig};
use crate::server::activation::{Activation, PassedError};
use crate::server::listen::{
    AddressError, BindError, BindOptions, Callers, ListenAddress, ListenOn, Listener,
};
use crate::server::tls::{NameError, Tls, TlsError, TlsFiles, TlsOptions};

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
    /// The address for health is none, or none of TCP.
    #[error("--health-listen: {0:?} is no TCP address, write tcp://0.0.0.0:50052")]
    Health(String),
    /// A name of a client is none.
    #[error("--tls-allow-san: {0}")]
    Name(#[from] NameError),
    /// A certificate, a key or an authority cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl ListenError {
    /// Whether what was typed is wrong, whatever the machine.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Address(_) | Self::Name(_) | Self::Health(_) => true,
            Self::Bind(error) | Self::Passed(PassedError::Bind(error)) => {
                matches!(error, BindError::NotLoopback(_))
            }
            Self::Passed(_) | Self::Tls(_) => false,
        }
    }
}

/// What is bound.
pub(super) struct Bound {
    pub(super) listeners: Vec<Listener>,
    /// The one for health alone.
    pub(super) health: Option<Listener>,
    pub(super) tls: Option<Tls>,
}

/// Binds every address; where one fails, those before it are released.
pub(super) async fn bind(
    config: &ListenConfig,
    mut activation: Activation,
) -> Result<Bound, ListenError> {
    let wanted: Vec<ListenOn> =
        config.listen.iter().map(|text| text.parse()).collect::<Result<_, AddressError>>()?;
    let health = config.health_listen.as_deref().map(health_address).transpose()?;
    let tls = match &config.tls {
        Some(config) => Some(open_tls(config).await?),
        None => None,
    };
    let options = BindOptions {
        socket_mode: config.socket_mode,
        socket_gid: config.socket_gid,
        callers: Callers { uids: config.allow_uid.clone(), gids: config.allow_gid.clone() },
        insecure_tcp: config.insecure_tcp,
        tls: tls.clone(),
    };
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
    let health = match health {
        // Whether the server is well is no secret, and the kubelet comes over the node's own address.
        Some(address) => {
            let options = BindOptions { insecure_tcp: true, ..BindOptions::default() };
            Some(Listener::bind(&address, &options).await?)
        }
        None => None,
    };
    Ok(Bound { listeners, health, tls })
}

/// Binds the address where metrics are asked for, in plain text.
///
/// They hold no secret and are only there where an address is given; Prometheus comes from another machine.
pub(super) async fn metrics(address: &ListenAddress) -> Result<Listener, ListenError> {
    let options = BindOptions { insecure_tcp: true, ..BindOptions::default() };
    Ok(Listener::bind(address, &options).await?)
}

fn health_address(text: &str) -> Result<ListenAddress, ListenError> {
    match text.parse() {
        Ok(ListenAddress::Tcp(address)) => Ok(ListenAddress::Tcp(address)),
        Ok(ListenAddress::Unix(_)) | Err(_) => Err(ListenError::Health(text.to_owned())),
    }
}

async fn open_tls(config: &TlsConfig) -> Result<Tls, ListenError> {
    let allowed =
        config.allow_san.iter().map(|name| name.parse()).collect::<Result<_, NameError>>()?;
    let files = TlsFiles {
        cert: config.cert.clone(),
        key: config.key.clone(),
        client_ca: config.client_ca.clone(),
    };
    Ok(Tls::open(TlsOptions { files, allowed }).await?)
}
