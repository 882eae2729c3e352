//! The audit trail of one service.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use serde::Deserialize;

use crate::{
    answer::page,
    api::{
        Page, Service,
        audit::{self, Act},
    },
    failure::Failure,
    frame::{Frame, Place},
    viewer::Admin,
};

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    service: Service,
    wanted: Wanted,
    acts: Page<Act>,
    /// The query of the next page.
    older: Option<String>,
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    service: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    cursor: String,
}

pub async fn list(admin: Admin, wanted: Query<Wanted>) -> Result<HttpResponse, Failure> {
    let wanted = wanted.into_inner();
    let service = Service::named(&wanted.service).unwrap_or(Service::User);
    let call = audit::list(service, wanted.actor.trim(), wanted.subject.trim(), &wanted.cursor);
    let acts = admin.read(call).await?;
    let older = acts.next_cursor.as_deref().map(|cursor| wanted.at(service, cursor));
    page(AuditPage { frame: admin.frame(Place::Audit, "Audit trail"), service, wanted, acts, older }.render())
}

impl Wanted {
    fn at(&self, service: Service, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("service", service.name()).append_pair("actor", &self.actor);
        query.append_pair("subject", &self.subject).append_pair("cursor", cursor).finish()
    }
}
