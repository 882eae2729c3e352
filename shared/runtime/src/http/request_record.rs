use std::{
    cell::RefCell,
    time::{Duration, Instant, SystemTime},
};

use actix_web::{
    dev::ServiceRequest,
    http::{
        Method, StatusCode, Uri,
        header::{self, HeaderValue},
        uri::Authority,
    },
    web::Data,
};
use opentelemetry::KeyValue;

use super::{
    Admission, RequestContext,
    health::is_health_check,
    known_routes::{UNMATCHED, route_of},
    transport::Encrypted,
};
use crate::{
    settings::Networks,
    telemetry::{Span, SpanKind, is_collected, record_span},
};

/// Copied before routing takes the only clone of the request.
pub(super) struct RequestRecord {
    pub context: RequestContext,
    started: Instant,
    service: &'static str,
    pub route: String,
    method: Method,
    pub uri: Uri,
    /// Read for a span only.
    host: Option<HeaderValue>,
    pub encrypted: bool,
}

thread_local! {
    static DURATIONS: RefCell<Durations> = RefCell::default();
}

/// A registry lookup needs six strings.
#[derive(Default)]
struct Durations(Vec<Series>);

struct Series {
    route: String,
    method: &'static str,
    status: StatusCode,
    waited: bool,
    duration: metrics::Histogram,
}

impl Durations {
    fn of(&mut self, record: &RequestRecord, status: StatusCode, waited: bool) -> &metrics::Histogram {
        let RequestRecord { service, route, .. } = record;
        let method = record.method_label();
        let is_it = |series: &Series| {
            series.route == *route
                && series.method == method
                && series.status == status
                && series.waited == waited
        };
        let at = self.0.iter().position(is_it).unwrap_or_else(|| {
            let duration = duration(service, route, method, status, waited);
            self.0.push(Series { route: route.clone(), method, status, waited, duration });
            self.0.len() - 1
        });
        &self.0[at].duration
    }
}

/// Waits last as long as their client asked for, and would hide how long the others take.
fn duration(
    service: &'static str,
    route: &str,
    method: &'static str,
    status: StatusCode,
    waited: bool,
) -> metrics::Histogram {
    let labels = [
        ("service", service.to_owned()),
        ("route", route.to_owned()),
        ("method", method.to_owned()),
        ("status", status.as_str().to_owned()),
    ];
    if waited {
        metrics::histogram!("orderflow_http_wait_duration_seconds", &labels)
    } else {
        metrics::histogram!("orderflow_http_request_duration_seconds", &labels)
    }
}

/// OpenTelemetry's word.
const OTHER: &str = "_OTHER";

/// Groups unknown methods to bound the number of labels.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER,
    }
}

impl RequestRecord {
    pub(super) fn begin(request: &ServiceRequest) -> Self {
        let nobody = Networks::default();
        let trusted = request.app_data::<Data<Networks>>().map_or(&nobody, |trusted| trusted.get_ref());
        let context = RequestContext::read(request.peer_addr(), request.headers(), trusted);
        let host = is_collected(&context.trace).then(|| request.headers().get(header::HOST).cloned());
        Self {
            context,
            host: host.flatten(),
            encrypted: request.conn_data::<Encrypted>().is_some(),
            started: Instant::now(),
            service: request.app_data::<Data<Admission>>().map_or("", |admission| admission.service),
            route: route_of(request),
            method: request.method().clone(),
            uri: request.uri().clone(),
        }
    }

    pub(super) fn method_label(&self) -> &'static str {
        method_label(&self.method)
    }

    /// `waited`: the answer was held back at the client's wish.
    pub(super) fn finish(&self, status: StatusCode, waited: bool) {
        let Self { context, started, uri, .. } = self;
        let elapsed = started.elapsed();
        let path = uri.path();
        DURATIONS.with_borrow_mut(|durations| durations.of(self, status, waited).record(elapsed));
        // Probes every second would bury other spans.
        if !is_health_check(path) {
            record_span(&context.trace, || self.span(status, elapsed));
        }
        self.log(status, elapsed);
    }

    fn log(&self, status: StatusCode, elapsed: Duration) {
        let RequestContext { request_id, trace, .. } = &self.context;
        let method = &self.method;
        let path = self.uri.path();
        let status = status.as_u16();
        // 503 is logged at its source, to keep an overload cheap.
        if status >= 500 && status != 503 {
            tracing::warn!(
                %request_id,
                trace_id = %trace.trace_id(),
                %method,
                path,
                status,
                ?elapsed,
                "request failed"
            );
        } else {
            tracing::debug!(
                %request_id,
                trace_id = %trace.trace_id(),
                %method,
                path,
                status,
                ?elapsed,
                "request"
            );
        }
    }

    /// Names the span by its route: OpenTelemetry asks for low cardinality.
    fn span(&self, status: StatusCode, elapsed: Duration) -> Span {
        let ended = SystemTime::now();
        let error = status.is_server_error().then(|| status.as_u16().to_string().into());
        let method = if self.method_label() == OTHER { "HTTP" } else { self.method_label() };
        let name = match self.matched() {
            Some(route) => format!("{method} {route}").into(),
            None => method.into(),
        };
        let began = ended.checked_sub(elapsed).unwrap_or(ended);
        Span { kind: SpanKind::Server, name, began, ended, attributes: self.attributes(status), error }
    }

    fn matched(&self) -> Option<&str> {
        Some(self.route.as_str()).filter(|route| *route != UNMATCHED)
    }

    fn attributes(&self, status: StatusCode) -> Vec<KeyValue> {
        let mut attributes = vec![
            KeyValue::new("http.request.method", self.method_label()),
            KeyValue::new("url.scheme", if self.encrypted { "https" } else { "http" }),
            KeyValue::new("url.path", self.uri.path().to_owned()),
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
            KeyValue::new("orderflow.request_id", self.context.request_id.clone()),
        ];
        if self.method_label() == OTHER {
            attributes.push(KeyValue::new("http.request.method_original", self.method.to_string()));
        }
        attributes.extend(self.matched().map(|route| KeyValue::new("http.route", route.to_owned())));
        let host: Option<Authority> = self.host.as_ref().and_then(|host| host.as_bytes().try_into().ok());
        if let Some(host) = host {
            let port = host.port_u16().unwrap_or(if self.encrypted { 443 } else { 80 });
            attributes.push(KeyValue::new("server.address", host.host().to_owned()));
            attributes.push(KeyValue::new("server.port", i64::from(port)));
        }
        attributes
    }
}
