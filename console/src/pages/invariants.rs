//! The invariants, as the verifier judges them all the time.

use std::sync::Arc;

use actix_web::HttpResponse;
use askama::Template;

use crate::{
    answer::page,
    failure::Failure,
    frame::{Frame, Place},
    site::Site,
    verifier::{Invariants, Verdicts},
    viewer::Admin,
};

#[derive(Template)]
#[template(path = "invariants.html")]
struct InvariantsPage {
    frame: Frame,
    /// `None` without a verifier.
    verdicts: Option<Verdicts>,
}

/// On the page Now: whether all is well, in a line.
#[derive(Template)]
#[template(path = "invariants_badge.html")]
pub struct Badge<'a> {
    pub base: &'a str,
    pub verdicts: Option<Verdicts>,
}

pub async fn show(admin: Admin) -> Result<HttpResponse, Failure> {
    let verdicts = verdicts(&admin.site).await;
    page(InvariantsPage { frame: admin.frame(Place::Invariants, "Invariants"), verdicts }.render())
}

pub async fn badge(site: &Site) -> String {
    Badge { base: &site.base, verdicts: verdicts(site).await }.render().unwrap_or_default()
}

async fn verdicts(site: &Site) -> Option<Verdicts> {
    match &site.verifier {
        Some(verifier) => Some(verifier.look().await),
        None => None,
    }
}

/// `I1, I5`
fn names(invariants: &Arc<Invariants>) -> String {
    invariants.broken().iter().map(|invariant| invariant.id.as_str()).collect::<Vec<_>>().join(", ")
}
