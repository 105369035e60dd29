//! Where to listen and who may call there, checked.

use crate::cli::listening::ListenArgs;
use crate::cli::tls::TlsArgs;
use crate::config::{ConfigError, wrong};
use std::path::PathBuf;

/// Where to listen, and who may call there.
#[derive(Debug, Clone)]
pub struct ListenConfig {
    /// The addresses, as given.
    pub listen: Vec<String>,
    /// Whether plain TCP may leave the loopback.
    pub insecure_tcp: bool,
    /// The mode of a unix socket's file.
    pub socket_mode: u32,
    /// The group of a unix socket's file.
    pub socket_gid: Option<u32>,
    /// The users that may call over unix sockets.
    pub allow_uid: Vec<u32>,
    /// The groups that may call over unix sockets.
    pub allow_gid: Vec<u32>,
    /// The address for health alone, as given.
    pub health_listen: Option<String>,
    /// TLS on TCP.
    pub tls: Option<TlsConfig>,
}

/// How TLS is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// The file of the certificate chain.
    pub cert: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// The file of the authorities of clients.
    pub client_ca: Option<PathBuf>,
    /// The names that clients may have, as given.
    pub allow_san: Vec<String>,
}

impl TlsConfig {
    /// TLS, where there is a certificate.
    ///
    /// The command line asks for the same; what is at stake is asked for twice, for a server that leaves
    /// a flag of TLS unheeded is open where it should not be.
    fn new(args: &TlsArgs) -> Result<Option<Self>, ConfigError> {
        let (cert, key) = match (args.tls_cert.clone(), args.tls_key.clone()) {
            (Some(cert), Some(key)) => (cert, key),
            (None, None) if args.tls_client_ca.is_none() => return Ok(None),
            _ => return Err(wrong("tls-cert", "needs --tls-key, and both come before the others")),
        };
        if !args.tls_allow_san.is_empty() && args.tls_client_ca.is_none() {
            let reason = "needs --tls-client-ca, which says who vouches for names";
            return Err(wrong("tls-allow-san", reason));
        }
        let (client_ca, allow_san) = (args.tls_client_ca.clone(), args.tls_allow_san.clone());
        Ok(Some(Self { cert, key, client_ca, allow_san }))
    }
}

impl ListenConfig {
    /// Checks the flags.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for the first flag that is out of range.
    pub fn new(args: &ListenArgs, tls: &TlsArgs) -> Result<Self, ConfigError> {
        Ok(Self {
            listen: args.listen.clone(),
            insecure_tcp: args.insecure_tcp,
            socket_mode: parse_mode(&args.socket_mode)?,
            socket_gid: args.socket_gid,
            allow_uid: args.allow_uid.clone(),
            allow_gid: args.allow_gid.clone(),
            health_listen: args.health_listen.clone(),
            tls: TlsConfig::new(tls)?,
        })
    }
}

/// Reads the permission bits, in octal; set-id and sticky bits mean nothing on a socket.
fn parse_mode(text: &str) -> Result<u32, ConfigError> {
    let is_octal = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= 0o777);
    mode.ok_or_else(|| {
        wrong("socket-mode", format!("{text:?} is no mode, write octal digits up to 0777, as 0660"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_of_tls_is_left_unheeded() {
        let file = || Some(PathBuf::from("/x"));
        let none = TlsArgs::default;
        let both = || TlsArgs { tls_cert: file(), tls_key: file(), ..none() };
        let san = vec!["a".to_owned()];
        for args in [
            TlsArgs { tls_cert: file(), ..none() },
            TlsArgs { tls_key: file(), ..none() },
            TlsArgs { tls_client_ca: file(), ..none() },
            TlsArgs { tls_allow_san: san.clone(), ..both() },
        ] {
            assert!(TlsConfig::new(&args).is_err(), "{args:?}");
        }
        assert_eq!(TlsConfig::new(&none()), Ok(None));
        let all = TlsArgs { tls_client_ca: file(), tls_allow_san: san, ..both() };
        assert!(TlsConfig::new(&all).unwrap().is_some());
    }

    #[test]
    fn a_mode_is_octal_and_up_to_0777() {
        for (text, mode) in [("0660", 0o660), ("660", 0o660), ("0", 0), ("00777", 0o777)] {
            assert_eq!(parse_mode(text), Ok(mode), "{text}");
        }
        for text in ["", "0680", "1777", "+660", "-1", "0o660", "rw", "777777777777777777"] {
            let error = parse_mode(text).unwrap_err().to_string();
            assert!(error.starts_with("--socket-mode: ") && error.contains("0660"), "{error}");
        }
    }
}
