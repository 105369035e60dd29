//! `GET /metrics` over plain HTTP/1, on a listener of its own.
//!
//! A scraper reads one page every few seconds, so a connection serves one request, there are few at a time, and
//! each has a time limit.

use crate::server::accepted::Connection;
use crate::server::listen::Listener;
use crate::server::metrics::Metrics;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The largest number of connections.
const CONNECTIONS: usize = 16;

/// How long a request and its response may take.
const WITHIN: Duration = Duration::from_secs(10);

/// The pause after an error of accept.
const BACK_OFF: Duration = Duration::from_millis(100);

const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Serves as long as it is polled.
pub async fn expose(mut listener: Listener, metrics: Arc<Metrics>) {
    tracing::info!(address = %listener.address(), "metrics");
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(connection) = listener.accept().await else {
            metrics.accept_errors.inc();
            tokio::time::sleep(BACK_OFF).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let metrics = Arc::clone(&metrics);
        tokio::spawn(async move {
            let answered = async {
                // There is no TLS on this listener.
                if let Some(connection) = connection.secured(WITHIN).await {
                    answer(connection, metrics).await;
                }
            };
            if tokio::time::timeout(WITHIN, answered).await.is_err() {
                tracing::debug!("a scrape took too long");
            }
            drop(place);
        });
    }
}

async fn answer(connection: Connection, metrics: Arc<Metrics>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(&request, &metrics);
        async move { Ok::<_, Infallible>(response) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(WITHIN)
        .keep_alive(false)
        .serve_connection(TokioIo::new(connection.stream), service);
    if let Err(error) = serving.await {
        tracing::debug!(%error, "a scrape failed");
    }
}

fn respond<B>(request: &Request<B>, metrics: &Metrics) -> Response<String> {
    let plain = |status, text: &str| {
        let mut response = Response::new(text.to_owned());
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "only /metrics is served\n");
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is allowed\n");
    }
    let Ok(text) = metrics.text() else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "");
    };
    let mut response = Response::new(text);
    response.headers_mut().insert(header::CONTENT_TYPE, OPEN_METRICS);
    response
}
