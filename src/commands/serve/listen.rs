//! The flags about where to listen and who may call, and the sockets that they bind.

use crate::commands::flag_values::{number, switch};
use crate::commands::{Failure, SERVER};
use crate::server::activation::{Activation, PassedError};
use crate::server::listen::{
    BindError, BindOptions, Callers, ListenAddress, ListenOn, Listener, SocketMode,
};
use crate::server::tls::{AllowedName, Tls, TlsFiles, TlsOptions};
use clap::Args;
use std::path::PathBuf;

const UID: &str = "expected a number, for example 1000 (id -u NAME)";
const GID: &str = "expected a number, for example 990 (getent group NAME)";

/// Where to listen, and who may call there.
#[derive(Debug, Clone, Args)]
pub(super) struct ListenArgs {
    #[arg(long, help = "Where to listen: tcp://IP:PORT, unix:///PATH, or fd:// and fd://NAME for sockets that systemd passes; may be repeated", value_name = "ADDRESS", env = "SPECD_LISTEN", value_delimiter = ',', default_value = SERVER)]
    listen: Vec<ListenOn>,
    /// Allow plain text without TLS on TCP addresses that are not loopback
    #[arg(long, env = "SPECD_INSECURE_TCP", value_parser = switch())]
    insecure_tcp: bool,
    /// The mode of a unix socket's file, in octal; a process that may write to the file may connect
    #[arg(long, value_name = "MODE", env = "SPECD_SOCKET_MODE", default_value_t)]
    socket_mode: SocketMode,
    /// The group of a unix socket's file, by GID [default: the group of the process]
    #[arg(long, value_name = "GID", env = "SPECD_SOCKET_GID", value_parser = number::<u32>(GID))]
    socket_gid: Option<u32>,
    /// A user that may call over unix sockets, by UID; may be repeated. Without this and --allow-gid,
    /// every process that can open the file may call
    #[arg(long, value_name = "UID", env = "SPECD_ALLOW_UID", value_delimiter = ',', value_parser = number::<u32>(UID))]
    allow_uid: Vec<u32>,
    /// A primary group: its processes may call over unix sockets, by GID; may be repeated
    #[arg(long, value_name = "GID", env = "SPECD_ALLOW_GID", value_delimiter = ',', value_parser = number::<u32>(GID))]
    allow_gid: Vec<u32>,
    /// Where to answer only grpc.health.v1, tcp://IP:PORT, in plain text on any address: for the kubelet,
    /// which supports neither TLS nor unix sockets
    #[arg(long, value_name = "ADDRESS", env = "SPECD_HEALTH_LISTEN", value_parser = tcp_address)]
    health_listen: Option<ListenAddress>,
}

/// TLS on every TCP address of `--listen`.
// A heading for all would also apply to the flags that follow these.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TlsArgs {
    /// The server's certificate chain, in PEM; changed files are read again
    #[arg(
        long,
        help_heading = "TLS",
        value_name = "FILE",
        env = "SPECD_TLS_CERT",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// The private key of the server's certificate, in PEM
    #[arg(
        long,
        help_heading = "TLS",
        value_name = "FILE",
        env = "SPECD_TLS_KEY",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// The certificate authorities of clients, in PEM; if given, every client over TCP needs a certificate
    #[arg(
        long,
        help_heading = "TLS",
        value_name = "FILE",
        env = "SPECD_TLS_CLIENT_CA",
        requires = "tls_cert"
    )]
    tls_client_ca: Option<PathBuf>,
    #[arg(
        long,
        help_heading = "TLS",
        help = "A DNS name or URI that a client's certificate may have, for example spiffe://cluster.local/ns/default/sa/client; may be repeated. Without it, every certificate of the authorities is accepted",
        value_name = "NAME",
        env = "SPECD_TLS_ALLOW_SAN",
        value_delimiter = ',',
        requires = "tls_client_ca"
    )]
    tls_allow_san: Vec<AllowedName>,
}

fn tcp_address(text: &str) -> Result<ListenAddress, &'static str> {
    match text.parse() {
        Ok(address @ ListenAddress::Tcp(_)) => Ok(address),
        _ => Err("expected tcp://IP:PORT, for example tcp://0.0.0.0:50052"),
    }
}

impl TlsArgs {
    /// TLS, if there is a certificate.
    ///
    /// clap requires the same combinations; they are checked twice, because a server that ignored one of
    /// these flags would accept clients that it must refuse.
    fn options(self) -> Result<Option<TlsOptions>, Failure> {
        let Self { tls_cert, tls_key, tls_client_ca: client_ca, tls_allow_san: allowed } = self;
        match (tls_cert, tls_key) {
            (Some(cert), Some(key)) if client_ca.is_some() || allowed.is_empty() => {
                Ok(Some(TlsOptions { files: TlsFiles { cert, key, client_ca }, allowed }))
            }
            (None, None) if client_ca.is_none() && allowed.is_empty() => Ok(None),
            _ => Err(Failure::usage(
                "--tls-cert and --tls-key need each other, --tls-client-ca needs both, and --tls-allow-san needs --tls-client-ca",
            )),
        }
    }
}

/// The bound sockets.
pub(super) struct Bound {
    pub(super) listeners: Vec<Listener>,
    /// The socket for health only.
    pub(super) health: Option<Listener>,
    pub(super) tls: Option<Tls>,
}

/// Where the server listens.
#[derive(Debug, Clone, Copy)]
struct Kinds {
    unix: bool,
    tcp: bool,
}

impl Kinds {
    /// Those of the flags. A passed socket may be of either kind.
    fn named(listen: &[ListenOn]) -> Self {
        let is = |unix| {
            listen.iter().any(|on| match on {
                ListenOn::Address(address) => is_unix(address) == unix,
                ListenOn::Passed(_) => true,
            })
        };
        Self { unix: is(true), tcp: is(false) }
    }

    /// Those of the sockets.
    fn bound(listeners: &[Listener]) -> Self {
        let is = |unix| listeners.iter().any(|one| is_unix(one.address()) == unix);
        Self { unix: is(true), tcp: is(false) }
    }

    /// Refuses a flag that has no effect on these: whom it keeps out elsewhere could call.
    fn check(self, of_unix: &[&str], has_tls: bool) -> Result<(), Failure> {
        match of_unix.first() {
            Some(flag) if !self.unix => Err(Failure::usage(format_args!(
                "--{flag} applies to unix sockets only, and no --listen is one: add --listen unix:///PATH"
            ))),
            _ if has_tls && !self.tcp => Err(Failure::usage(
                "--tls-cert applies to TCP only, and no --listen is an address of TCP: add --listen tcp://IP:PORT",
            )),
            _ => Ok(()),
        }
    }
}

fn is_unix(address: &ListenAddress) -> bool {
    matches!(address, ListenAddress::Unix(_))
}

impl ListenArgs {
    /// The flags about unix sockets that were given.
    fn of_unix(&self) -> Vec<&'static str> {
        let flags = [
            ("allow-uid", !self.allow_uid.is_empty()),
            ("allow-gid", !self.allow_gid.is_empty()),
            ("socket-mode", self.socket_mode != SocketMode::default()),
            ("socket-gid", self.socket_gid.is_some()),
        ];
        flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect()
    }

    /// Binds every address. If one cannot be bound, the others are released.
    pub(super) async fn bind(
        self,
        tls: TlsArgs,
        mut activation: Activation,
    ) -> Result<Bound, Failure> {
        let of_unix = self.of_unix();
        let Self {
            listen,
            insecure_tcp,
            socket_mode,
            socket_gid,
            allow_uid: uids,
            allow_gid: gids,
            health_listen,
        } = self;
        let tls = tls.options()?;
        Kinds::named(&listen).check(&of_unix, tls.is_some())?;
        let tls = match tls {
            Some(options) => Some(Tls::open(options).await.map_err(Failure::run)?),
            None => None,
        };
        let callers = Callers { uids, gids };
        let options =
            BindOptions { socket_mode, socket_gid, callers, insecure_tcp, tls: tls.clone() };
        let mut listeners = Vec::new();
        for on in &listen {
            match on {
                ListenOn::Address(address) => {
                    listeners.push(Listener::bind(address, &options).await.map_err(refused)?);
                }
                ListenOn::Passed(name) => {
                    let passed = activation.take(name.as_deref(), &options);
                    listeners.extend(passed.map_err(|error| {
                        if let PassedError::Bind(error) = error {
                            return refused(error);
                        }
                        Failure::run(format_args!("--listen: {error}"))
                    })?);
                }
            }
        }
        Kinds::bound(&listeners).check(&of_unix, tls.is_some())?;
        for passed in activation.left() {
            tracing::warn!(%passed, "systemd passed a socket that no --listen uses");
        }
        let health = match health_listen {
            Some(address) => Some(bind_plain(&address).await?),
            None => None,
        };
        Ok(Bound { listeners, health, tls })
    }
}

/// Binds an address in plain text: health and metrics hold no secret, and are read from other machines.
pub(super) async fn bind_plain(address: &ListenAddress) -> Result<Listener, Failure> {
    let options = BindOptions { insecure_tcp: true, ..BindOptions::default() };
    Listener::bind(address, &options).await.map_err(refused)
}

fn refused(error: BindError) -> Failure {
    let usage = matches!(error, BindError::NotLoopback(_));
    if usage { Failure::usage(error) } else { Failure::run(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        listen: ListenArgs,
    }

    #[test]
    fn a_flag_that_no_address_uses_is_refused() {
        let check = |flags: &str, has_tls| {
            let args = Flags::parse_from(flags.split(' ')).listen;
            let checked = Kinds::named(&args.listen).check(&args.of_unix(), has_tls);
            checked.err().map(|error| error.to_string()).unwrap_or_default()
        };
        for flag in ["allow-uid 1000", "allow-gid 1000", "socket-mode 0600", "socket-gid 990"] {
            let name = flag.split(' ').next().unwrap();
            for address in ["", "--listen tcp://127.0.0.1:5"] {
                let error = check(format!("specd --{flag} {address}").trim_end(), false);
                assert!(error.starts_with(&format!("--{name} applies to unix sockets")), "{error}");
            }
            for address in ["unix:///a", "fd://", "tcp://127.0.0.1:5,unix:///a"] {
                assert_eq!(check(&format!("specd --{flag} --listen {address}"), false), "");
            }
        }
        let error = check("specd --listen unix:///a", true);
        assert!(error.starts_with("--tls-cert applies to TCP only"), "{error}");
        for address in ["tcp://127.0.0.1:5", "fd://", "tcp://127.0.0.1:5,unix:///a"] {
            assert_eq!(check(&format!("specd --listen {address}"), true), "");
        }
    }

    #[test]
    fn no_flag_of_tls_is_ignored() {
        let file = || Some(PathBuf::from("/x"));
        let none = TlsArgs::default;
        let both = || TlsArgs { tls_cert: file(), tls_key: file(), ..none() };
        let san: Vec<AllowedName> = vec!["a".parse().unwrap()];
        for args in [
            TlsArgs { tls_cert: file(), ..none() },
            TlsArgs { tls_key: file(), ..none() },
            TlsArgs { tls_client_ca: file(), ..none() },
            TlsArgs { tls_allow_san: san.clone(), ..none() },
            TlsArgs { tls_allow_san: san.clone(), ..both() },
        ] {
            assert!(args.clone().options().is_err(), "{args:?}");
        }
        assert!(none().options().unwrap().is_none());
        let all = TlsArgs { tls_client_ca: file(), tls_allow_san: san, ..both() };
        assert!(all.options().unwrap().is_some());
    }
}
