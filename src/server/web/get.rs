//! Connect's GET, for methods without side effects: the message is in the query of the URL.

use crate::server::listen::Peer;
use crate::server::web::Codec;
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{CONTENT_ENCODING, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use prost::bytes::Bytes;
use std::net::IpAddr;

/// The header by which browsers say where a request comes from, on addresses that they trust.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// base64 for URLs, with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a GET may come from a web page, which sends no header `Origin` to its own site.
///
/// The page of another site has a name that leads to this machine. Browsers speak HTTP/2 only with TLS, which refuses that name.
pub(super) fn may_be_of_a_page<B>(request: &Request<B>) -> bool {
    let is_unix = matches!(request.extensions().get(), Some(Peer::Unix { .. }));
    let is_safe = is_unix || request.version() == Version::HTTP_2 || has_address(request.headers());
    request.headers().contains_key(SEC_FETCH_SITE) || !is_safe
}

/// Whether the header `Host` is an IP address or localhost.
fn has_address(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    host.is_some_and(|authority| {
        let host = authority.host();
        host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    })
}

/// The same call by POST.
///
/// # Errors
///
/// What is wrong with the query.
pub(super) fn to_post<B>(request: Request<B>) -> Result<(Codec, Request<Full<Bytes>>), String> {
    let (mut parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let (mut codec, mut message, mut is_base64) = (None, None, false);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "encoding" => codec = Codec::from_name(value),
            "message" => message = Some(value.replace('+', " ")),
            "base64" => is_base64 = value == "1",
            "compression" => {
                let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
                parts.headers.insert(CONTENT_ENCODING, value);
            }
            _ => {}
        }
    }
    let (Some(codec), Some(message)) = (codec, message) else {
        return Err("the query needs encoding=json or encoding=proto, and message".to_owned());
    };
    let mut message: Vec<u8> = percent_decode_str(&message).collect();
    if is_base64 {
        let decoded = BASE64.decode(message);
        message = decoded.map_err(|error| format!("message is not base64 for URLs: {error}"))?;
    }
    parts.method = Method::POST;
    parts.uri = Uri::try_from(parts.uri.path()).map_err(|error| error.to_string())?;
    Ok((codec, Request::from_parts(parts, Full::from(message))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn get(query: &str) -> Request<()> {
        Request::get(format!("/s/M?{query}")).body(()).unwrap()
    }

    async fn message(query: &str) -> Result<(Codec, Vec<u8>), String> {
        let (codec, request) = to_post(get(query))?;
        assert_eq!((request.method(), request.uri().to_string()), (&Method::POST, "/s/M".into()));
        let body = request.into_body().collect().await.unwrap();
        Ok((codec, body.to_bytes().to_vec()))
    }

    #[tokio::test]
    async fn the_message_is_in_the_query() {
        for (query, codec, wanted) in [
            ("connect=v1&encoding=json&message=%7B%22a%22:+1%7D", Codec::Json, &b"{\"a\": 1}"[..]),
            ("message=%00%ff&encoding=proto", Codec::Proto, b"\0\xff"),
            ("encoding=proto&base64=1&message=AP-_", Codec::Proto, b"\0\xff\xbf"),
            ("encoding=proto&base64=1&message=AP8", Codec::Proto, b"\0\xff"),
            ("encoding=proto&base64=1&message=AP8=", Codec::Proto, b"\0\xff"),
            ("encoding=proto&base64=1&message=AP8%3D", Codec::Proto, b"\0\xff"),
            ("encoding=proto&message=", Codec::Proto, b""),
        ] {
            assert_eq!(message(query).await, Ok((codec, wanted.to_vec())), "{query}");
        }
        for (query, words) in [
            ("", "the query needs encoding=json"),
            ("encoding=json", "and message"),
            ("encoding=xml&message=a", "the query needs encoding=json"),
            ("encoding=proto&base64=1&message=%2B%2B", "not base64 for URLs"),
        ] {
            assert!(message(query).await.unwrap_err().contains(words), "{query}");
        }
        let (_, request) = to_post(get("encoding=json&message=a&compression=gzip")).unwrap();
        assert_eq!(request.headers()[CONTENT_ENCODING], "gzip");
    }

    #[test]
    fn a_page_cannot_call_by_a_name() {
        let tcp = Peer::Tcp("127.0.0.1:1".parse().unwrap());
        let unix = Peer::Unix { uid: 0, gid: 0, pid: None };
        for (peer, version, host, refused) in [
            (tcp, Version::HTTP_11, "127.0.0.1:50051", false),
            (tcp, Version::HTTP_11, "[::1]:50051", false),
            (tcp, Version::HTTP_11, "localhost:50051", false),
            (tcp, Version::HTTP_11, "example.com:50051", true),
            (tcp, Version::HTTP_11, "127.0.0.1.example.com", true),
            (tcp, Version::HTTP_11, "a b", true),
            (tcp, Version::HTTP_2, "example.com", false),
            (unix, Version::HTTP_11, "specd", false),
        ] {
            let request = Request::get("/").version(version).header(HOST, host).extension(peer);
            assert_eq!(may_be_of_a_page(&request.body(()).unwrap()), refused, "{host}");
        }
        let request = Request::get("/").header(SEC_FETCH_SITE, "same-origin").extension(unix);
        assert!(may_be_of_a_page(&request.body(()).unwrap()));
        assert!(may_be_of_a_page(&Request::get("/").extension(tcp).body(()).unwrap()));
    }
}
