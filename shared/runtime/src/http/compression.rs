//! Large answers are compressed for clients that ask for it: gzip, which all of them know.
//!
//! A list of products shrinks to a tenth. Answers under 1 KiB, which the hot paths have, cost a comparison.
//! The middleware of actix-web compresses small answers too, and keeps their ETag.

use std::io::Write;

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    web::Bytes,
};
use flate2::{Compression, write::GzEncoder};

use super::conditional::GZIP;

/// Below it the head of the answer is the larger part.
const SMALLEST: u64 = 1 << 10;
/// 20 ms of a worker. The longest list has 840 KB; the script of the page at /docs is larger.
const LARGEST: u64 = 1 << 20;

/// Whether an answer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// Chooses, and sets the headers that depend on it. The ETag of another coding is another one.
    pub(super) fn choose(response: &mut ServiceResponse<BoxBody>) -> Self {
        let BodySize::Sized(SMALLEST..=LARGEST) = response.response().body().size() else {
            return Self::Identity;
        };
        if !is_text(response.headers()) || response.status() == StatusCode::NO_CONTENT {
            return Self::Identity;
        }
        let wants_gzip = wants_gzip(response.request().headers());
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        if !wants_gzip {
            return Self::Identity;
        }
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()?.strip_suffix('"'));
        if let Some(tag) = tag.and_then(|tag| HeaderValue::try_from(format!("{tag}{GZIP}\"")).ok()) {
            headers.insert(header::ETAG, tag);
        }
        Self::Gzip
    }

    /// Compresses the body.
    pub(super) fn encode(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        match self {
            Self::Identity => response,
            Self::Gzip => response.map_body(|head, body| match body.try_into_bytes() {
                Ok(plain) => BoxBody::new(gzip(&plain)),
                Err(stream) => {
                    head.headers.remove(header::CONTENT_ENCODING);
                    stream
                }
            }),
        }
    }
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    match encoder.write_all(plain).and_then(|()| encoder.finish()) {
        Ok(compressed) => compressed.into(),
        Err(defect) => unreachable!("a vector takes every byte: {defect}"),
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_one_answer =
        !kind.starts_with("text/event-stream") && !headers.contains_key(header::CONTENT_ENCODING);
    let is_text = kind.contains("json") || kind.starts_with("text/") || kind.contains("javascript");
    is_one_answer && is_text
}

/// Whether `Accept-Encoding` has gzip, and prefers nothing else that is sent here (RFC 9110, 12.5.3).
fn wants_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).filter_map(|line| line.to_str().ok());
    let (mut gzip, mut identity, mut any) = (None, None, None);
    for coding in lines.flat_map(|line| line.split(',')) {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = weight,
            "identity" => identity = weight,
            "*" => any = weight,
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or_default();
    gzip > 0.0 && gzip >= identity.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use actix_web::{HttpResponse, body::to_bytes, test::TestRequest};
    use flate2::read::GzDecoder;

    use super::*;

    fn finished(wanted: &'static str, kind: &'static str, size: usize) -> ServiceResponse<BoxBody> {
        let request = TestRequest::get().insert_header((header::ACCEPT_ENCODING, wanted)).to_srv_request();
        let response = HttpResponse::Ok()
            .content_type(kind)
            .insert_header((header::ETAG, "\"7\""))
            .body("x".repeat(size));
        let mut response = request.into_response(response);
        let coding = Coding::choose(&mut response);
        coding.encode(response)
    }

    fn shown<'a>(response: &'a ServiceResponse<BoxBody>, name: &str) -> &'a str {
        response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[actix_web::test]
    async fn a_large_answer_is_compressed_for_who_asks_and_has_an_etag_of_its_own() {
        let response = finished("br, gzip", "application/json", 5000);
        assert_eq!(shown(&response, "content-encoding"), "gzip");
        assert_eq!(shown(&response, "vary"), "accept-encoding");
        assert_eq!(shown(&response, "etag"), "\"7-gzip\"");
        let body = to_bytes(response.into_body()).await.unwrap();
        let mut plain = String::new();
        GzDecoder::new(&body[..]).read_to_string(&mut plain).unwrap();
        assert!(body.len() < 100 && plain == "x".repeat(5000));
    }

    #[test]
    fn small_answers_pictures_and_streams_stay_as_they_are() {
        for (kind, size) in [
            ("application/json", 1023),
            ("image/png", 5000),
            ("text/event-stream", 5000),
            ("text/css", 2 << 20),
        ] {
            let response = finished("gzip", kind, size);
            let found = ["content-encoding", "vary", "etag"].map(|name| shown(&response, name));
            assert_eq!(found, ["", "", "\"7\""], "{kind} {size}");
        }
        let plain = finished("identity", "application/json", 5000);
        let found = ["content-encoding", "vary", "etag"].map(|name| shown(&plain, name));
        assert_eq!(found, ["", "accept-encoding", "\"7\""], "another client gets another answer");
    }

    #[test]
    fn gzip_is_sent_to_who_weighs_it_no_less_than_none() {
        let wants = |wanted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(wanted));
            wants_gzip(&headers)
        };
        for yes in ["gzip", "GZIP", "x-gzip", "*", "br;q=1.0, gzip;q=0.8", "identity;q=0.5, gzip", "*;q=0.1"]
        {
            assert!(wants(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip;q=x", "identity, gzip;q=0.5", "*, gzip;q=0", "deflate"] {
            assert!(!wants(no), "{no}");
        }
    }
}
