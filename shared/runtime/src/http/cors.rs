//! Cross-origin calls of browsers (the Fetch standard), for the origins of `cors-origins`.
//!
//! In the edge and not by actix-cors: the answers of the edge itself (503, 431, a panic) need the headers
//! too, and a preflight gets its methods from the router. Tokens come in a header, so cookies are never
//! allowed.

use actix_web::{
    dev::ServiceRequest,
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    web::Data,
};

use crate::settings::Origins;

/// The headers that calls may have beside the simple ones.
const REQUEST_HEADERS: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, \
                               prefer, traceparent, tracestate, x-request-id";
/// The headers of answers that scripts may read.
const RESPONSE_HEADERS: &str = "location, etag, retry-after, idempotency-replayed, preference-applied, ratelimit, \
                                ratelimit-policy, www-authenticate, x-request-id";
/// Seconds that a preflight is good for; Chromium takes no more.
const MAX_AGE: &str = "7200";

/// What a request is to CORS.
#[derive(Debug, Clone)]
pub(super) enum Cors {
    /// No origin may call.
    Off,
    /// Answers depend on the origin; this one may not call, or is none.
    Foreign,
    Allowed {
        origin: HeaderValue,
        is_preflight: bool,
    },
}

impl Cors {
    pub(super) fn read(request: &ServiceRequest) -> Self {
        let Some(origins) = request.app_data::<Data<Origins>>().filter(|origins| !origins.is_empty()) else {
            return Self::Off;
        };
        let origin = request.headers().get(header::ORIGIN);
        match origin.filter(|origin| origin.to_str().is_ok_and(|origin| origins.contain(origin))) {
            None => Self::Foreign,
            Some(origin) => Self::Allowed {
                origin: origin.clone(),
                is_preflight: *request.method() == Method::OPTIONS
                    && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
            },
        }
    }

    /// Sets the headers of an answer.
    pub(super) fn set_headers(&self, headers: &mut HeaderMap) {
        let Self::Allowed { origin, is_preflight } = self else {
            if matches!(self, Self::Foreign) {
                headers.append(header::VARY, HeaderValue::from_static("origin"));
            }
            return;
        };
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if !is_preflight {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(RESPONSE_HEADERS));
            return;
        }
        if let Some(methods) = headers.get(header::ALLOW).cloned() {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::settings::Value;

    fn headers(origins: &str, method: Method, origin: &'static str) -> HeaderMap {
        let request = TestRequest::default()
            .method(method)
            .app_data(Data::new(Origins::parse(origins).unwrap()))
            .insert_header((header::ORIGIN, origin))
            .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "PUT"));
        let mut headers = HeaderMap::new();
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, OPTIONS"));
        Cors::read(&request.to_srv_request()).set_headers(&mut headers);
        headers
    }

    fn shown(headers: &HeaderMap, name: &str) -> String {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    #[test]
    fn an_origin_of_the_setting_may_call_and_no_other_one() {
        let shop = "https://shop.example";
        let allowed = headers("https://shop.example,http://localhost:3000", Method::GET, shop);
        assert_eq!(shown(&allowed, "access-control-allow-origin"), shop);
        assert_eq!(shown(&allowed, "vary"), "origin");
        assert!(shown(&allowed, "access-control-expose-headers").contains("retry-after"));
        assert!(!allowed.contains_key("access-control-allow-credentials"));
        for foreign in
            ["https://shop.example.evil", "http://shop.example", "https://shop.example:8443", "null"]
        {
            let foreign = headers(shop, Method::GET, foreign);
            assert_eq!(shown(&foreign, "access-control-allow-origin"), "");
            assert_eq!(shown(&foreign, "vary"), "origin");
        }
        assert!(!headers("", Method::GET, shop).contains_key("vary"), "off");
    }

    #[test]
    fn a_preflight_is_told_methods_headers_and_how_long_they_hold() {
        let shop = "https://shop.example";
        let preflight = headers(shop, Method::OPTIONS, shop);
        assert_eq!(shown(&preflight, "access-control-allow-methods"), "GET, OPTIONS");
        assert!(shown(&preflight, "access-control-allow-headers").contains("idempotency-key"));
        assert_eq!(shown(&preflight, "access-control-max-age"), MAX_AGE);
    }
}
