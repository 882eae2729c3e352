use std::{borrow::Cow, time::SystemTime};

use events::{Origin, TraceContext};
use opentelemetry::KeyValue;
use reqwest::{
    Request, RequestBuilder, Response,
    header::{HeaderMap, HeaderValue},
};

use super::{Span, SpanKind, is_collected, record_span};

/// Sends a request because of `cause`, whose trace and request id go with it. The path names the span: keep
/// what varies in the query.
pub async fn call(request: RequestBuilder, cause: &Origin) -> Result<Response, reqwest::Error> {
    let trace = cause.trace.child();
    let (client, request) = request.build_split();
    let mut request = request?;
    propagate(request.headers_mut(), &trace, cause.request_id.as_deref());
    let about = is_collected(&trace).then(|| attributes(&request));
    let name = format!("{} {}", request.method(), request.url().path()).into();
    let began = SystemTime::now();
    let answer = client.execute(request).await;
    record_span(&trace, || {
        let mut attributes = about.unwrap_or_default();
        let status = answer.as_ref().ok().map(Response::status);
        attributes.extend(status.map(|s| KeyValue::new("http.response.status_code", i64::from(s.as_u16()))));
        let error = failure(&answer);
        Span { kind: SpanKind::Client, name, began, ended: SystemTime::now(), attributes, error }
    });
    answer
}

fn propagate(headers: &mut HeaderMap, trace: &TraceContext, request_id: Option<&str>) {
    let traceparent = trace.to_string();
    for (name, value) in
        [("traceparent", Some(&*traceparent)), ("tracestate", trace.state()), ("x-request-id", request_id)]
    {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
}

fn attributes(request: &Request) -> Vec<KeyValue> {
    let mut url = request.url().clone();
    // The conventions keep credentials out.
    _ = url.set_username("").and_then(|()| url.set_password(None));
    let mut attributes = vec![
        KeyValue::new("http.request.method", request.method().to_string()),
        KeyValue::new("url.template", request.url().path().to_owned()),
    ];
    attributes.extend(url.host_str().map(|host| KeyValue::new("server.address", host.to_owned())));
    attributes.extend(url.port_or_known_default().map(|port| KeyValue::new("server.port", i64::from(port))));
    attributes.push(KeyValue::new("url.full", String::from(url)));
    attributes
}

/// A client counts 4xx as failures too.
fn failure(answer: &Result<Response, reqwest::Error>) -> Option<Cow<'static, str>> {
    match answer {
        Ok(response) if response.status().is_client_error() || response.status().is_server_error() => {
            Some(response.status().as_u16().to_string().into())
        }
        Ok(_) => None,
        Err(error) if error.is_timeout() => Some("timeout".into()),
        Err(error) if error.is_connect() => Some("connect".into()),
        Err(_) => Some("request".into()),
    }
}
