//! What the audit trail gets of a request: each act, and each refusal. No route can be forgotten.

use std::{
    cell::RefCell,
    future::{Ready, ready},
    rc::Rc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::{Payload, ServiceRequest},
    http::{Method, StatusCode},
    web::Data,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{known_routes::UNMATCHED, request_record::RequestRecord};
use crate::audit::{Act, AuditTrail, Caller, Outcome};

/// In the logs of nginx, too: the client closed the connection before the answer.
const CLIENT_GONE: u16 = 499;

/// The audit trail of a service, and the routes whose acts have a history of their own.
#[derive(Clone)]
pub struct Audit {
    pub trail: AuditTrail,
    pub own_history: &'static [&'static str],
}

/// What is known of the act of a request. Handlers add to it.
#[derive(Clone, Default)]
pub struct AuditNotes(Rc<RefCell<Notes>>);

#[derive(Default)]
struct Notes {
    caller: Option<Caller>,
    subject: Option<String>,
    details: Map<String, Value>,
}

impl AuditNotes {
    /// Names who acts where no token does, as in a login.
    pub fn caller(&self, id: impl ToString, role: Option<&'static str>, session: Option<Uuid>) {
        self.set_caller(Caller { id: id.to_string(), role, session });
    }

    fn set_caller(&self, caller: Caller) {
        self.0.borrow_mut().caller = Some(caller);
    }

    /// Names what is acted on where the path does not.
    pub fn subject(&self, subject: impl ToString) {
        self.0.borrow_mut().subject = Some(subject.to_string());
    }

    /// Adds a fact. Passwords, tokens, secrets and e-mails stay out.
    pub fn detail(&self, name: &'static str, value: impl Into<Value>) {
        self.0.borrow_mut().details.insert(name.to_owned(), value.into());
    }
}

impl FromRequest for AuditNotes {
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_default()))
    }
}

/// Names the bearer of a valid token, `refused` if its role or its scope does not suffice.
pub fn name_caller(request: &HttpRequest, refused: bool, caller: impl FnOnce() -> Caller) {
    if is_read(request.method()) {
        // There is nothing to record unless it is refused.
        if refused {
            request.extensions_mut().insert(caller());
        }
        return;
    }
    let notes = request.extensions().get::<AuditNotes>().cloned();
    match notes {
        Some(notes) => notes.set_caller(caller()),
        None => _ = request.extensions_mut().insert(caller()),
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// An act in progress. It is recorded also when the client hangs up and the request is dropped.
pub(super) struct Pending {
    trail: AuditTrail,
    notes: AuditNotes,
    act: Option<Act>,
}

impl Pending {
    /// `None` for a read, and for a route with a history of its own.
    pub fn begin(request: &ServiceRequest, record: &RequestRecord) -> Option<Self> {
        if is_read(request.method()) {
            return None;
        }
        let Audit { trail, own_history } = request.app_data::<Data<Audit>>()?.get_ref();
        if record.route == UNMATCHED || own_history.contains(&record.route.as_str()) {
            return None;
        }
        let notes = AuditNotes::default();
        request.extensions_mut().insert(notes.clone());
        let act = Act { outcome: Outcome::Unknown, code: Some("client-gone"), ..act(record, CLIENT_GONE) };
        Some(Self { trail: trail.clone(), notes, act: Some(act) })
    }

    pub async fn end(mut self, status: StatusCode, code: Option<&'static str>) {
        if let Some(act) = self.take() {
            let status = status.as_u16();
            self.trail.record(Act { outcome: Outcome::of(status), status, code, ..act }).await;
        }
    }

    fn take(&mut self) -> Option<Act> {
        let act = self.act.take()?;
        let Notes { caller, subject, details } = self.notes.0.take();
        Some(Act { caller, subject: subject.or(act.subject), details, ..act })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(act) = self.take() {
            self.trail.record_at_once(act);
        }
    }
}

/// Records the refusal of what would have been no act.
pub(super) async fn record_refusal(
    request: &HttpRequest,
    record: &RequestRecord,
    status: StatusCode,
    code: Option<&'static str>,
) {
    let is_refusal = Outcome::of(status.as_u16()) == Outcome::Refused;
    let audit = if is_refusal { request.app_data::<Data<Audit>>() } else { None };
    if let Some(audit) = audit {
        let caller = request.extensions_mut().remove::<Caller>();
        let act = act(record, status.as_u16());
        audit.trail.record(Act { caller, code, ..act }).await;
    }
}

fn act(record: &RequestRecord, status: u16) -> Act {
    Act {
        caller: None,
        address: Some(record.context.client.ip()),
        source: Some(record.context.client.source()),
        action: format!("{} {}", record.method_label(), record.route),
        subject: subject(&record.route, record.uri.path()),
        outcome: Outcome::of(status),
        status,
        code: None,
        request_id: record.context.request_id.clone(),
        details: Map::new(),
    }
}

/// The parameters of the path: `A` in `/products/A/stock` with the route `/products/{sku}/stock`.
fn subject(route: &str, path: &str) -> Option<String> {
    let parameters = route.split('/').zip(path.split('/'));
    let given: Vec<&str> =
        parameters.filter(|(name, _)| name.starts_with('{')).map(|(_, value)| value).collect();
    if given.is_empty() { None } else { Some(given.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_is_what_the_path_names() {
        let of = |route, path| subject(route, path);
        assert_eq!(of("/products/{sku}/stock", "/products/MUG/stock").as_deref(), Some("MUG"));
        assert_eq!(of("/a/{x}/b/{y}", "/a/1/b/2").as_deref(), Some("1 2"));
        assert_eq!(of("/products", "/products"), None);
    }
}
