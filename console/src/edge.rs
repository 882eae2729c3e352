//! The middleware of every request: the check of its origin, pages for failures, headers.

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
};

use crate::{failure::Failure, pages};

/// Of every answer; OWASP ASVS 5.0, V3.4. Nothing runs in a page but files of this console.
static HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // Not `no-referrer`, which makes browsers hide the origin of a form.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

pub async fn edge<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_change = !matches!(*request.method(), Method::GET | Method::HEAD);
    let response = if is_change && !is_own(request.headers()) {
        let page = pages::failure(request.request(), &Failure::ForeignForm);
        request.into_response(page)
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let mut response = match failure_in(&response) {
        Some(failure) => {
            let page = pages::failure(response.request(), &failure);
            response.into_response(page)
        }
        None => response,
    };
    for (name, value) in &HEADERS {
        if !response.headers().contains_key(name) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    Ok(response)
}

/// A browser says where a form comes from in one of two headers. Programs send neither; their form needs the
/// token all the same.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text("host")
        }
        (None, None) => true,
    }
}

fn failure_in(response: &ServiceResponse) -> Option<Failure> {
    let status = response.status();
    match response.response().error() {
        Some(error) => Some(match error.as_error::<Failure>() {
            Some(failure) => failure.clone(),
            None => Failure::of_status(error.as_response_error().status_code()),
        }),
        None if status.as_u16() < 400 || response.headers().contains_key(header::CONTENT_TYPE) => None,
        None => Some(Failure::of_status(status)),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn is_own_form(headers: &[(&str, &str)]) -> bool {
        let request =
            headers.iter().fold(TestRequest::post(), |request, header| request.append_header(*header));
        is_own(request.to_http_request().headers())
    }

    #[test]
    fn a_form_of_another_site_is_foreign() {
        let host = ("host", "127.0.0.1:8003");
        for own in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-origin")],
            &[host, ("origin", "http://127.0.0.1:8003")],
        ] {
            assert!(is_own_form(own), "{own:?}");
        }
        for foreign in [
            &[host, ("sec-fetch-site", "cross-site")][..],
            &[host, ("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8003")],
            &[host, ("origin", "http://evil.example")],
            &[host, ("origin", "null")],
        ] {
            assert!(!is_own_form(foreign), "{foreign:?}");
        }
    }
}
