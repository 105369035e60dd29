//! Flags about TLS, of the server and of its clients.

use clap::Args;
use std::path::PathBuf;

/// Set at each flag: for a whole struct it would go on over the flags that follow.
const TLS: &str = "TLS";

/// How TLS is spoken on every TCP address of `--listen`.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsArgs {
    /// The server's certificate chain, in PEM; the files are read again when they change
    #[arg(long, help_heading = TLS, value_name = "FILE", env = "SPECD_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM
    #[arg(long, help_heading = TLS, value_name = "FILE", env = "SPECD_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// The authorities of clients, in PEM; given, every client over TCP needs a certificate of theirs
    #[arg(long, help_heading = TLS, value_name = "FILE", env = "SPECD_TLS_CLIENT_CA", requires = "tls_cert")]
    pub tls_client_ca: Option<PathBuf>,
    /// The names that a client's certificate may have.
    #[arg(
        long,
        help_heading = TLS,
        help = "A DNS name or URI that a client's certificate may have, as spiffe://cluster.local/ns/default/sa/client; may be given several times. With none, every certificate of the authorities will do",
        value_name = "NAME",
        env = "SPECD_TLS_ALLOW_SAN",
        value_delimiter = ',',
        requires = "tls_client_ca"
    )]
    pub tls_allow_san: Vec<String>,
}

/// How a client asks a server at `https://`.
#[derive(Debug, Clone, Default, Args)]
pub struct ClientTlsArgs {
    /// The authorities of the server, in PEM, for a server at https://
    #[arg(long, help_heading = TLS, value_name = "FILE", env = "SPECD_CLIENT_TLS_CA")]
    pub tls_ca: Option<PathBuf>,
    /// The client's certificate chain, in PEM, where the server asks for one
    #[arg(long, help_heading = TLS, value_name = "FILE", env = "SPECD_CLIENT_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM
    #[arg(long, help_heading = TLS, value_name = "FILE", env = "SPECD_CLIENT_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}
