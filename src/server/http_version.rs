//! The HTTP of a connection: HTTP/2, and HTTP/1.1 for the protocols that have it.

use crate::server::serve::ServeConfig;
use crate::server::tasks::Tasks;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;

/// The smallest buffer that hyper has for HTTP/1.1, in bytes. It limits the headers of a request.
const HTTP1_BUFFER: usize = 8 << 10;

/// Why a connection failed.
pub(super) type HttpError = Box<dyn std::error::Error + Send + Sync>;

/// Serves connections with the limits of a configuration. A client over TLS has agreed on HTTP/2.
pub(super) fn builder(config: &ServeConfig, tasks: Tasks, is_tls: bool) -> auto::Builder<Tasks> {
    let mut http = auto::Builder::new(tasks);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.streams)
        .max_header_list_size(config.header_list_bytes)
        .keep_alive_interval(config.keepalive_interval)
        .keep_alive_timeout(config.keepalive_timeout);
    if is_tls || config.web.is_none() {
        return http.http2_only();
    }
    let header_bytes = usize::try_from(config.header_list_bytes).unwrap_or(usize::MAX);
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.lifetime.handshake_timeout)
        .max_buf_size(header_bytes.max(HTTP1_BUFFER));
    http
}
