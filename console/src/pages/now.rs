//! The saga as a map: what waits where, and who works on it.

use std::sync::Arc;

use actix_web::{HttpResponse, rt::time::sleep, web::Query};
use askama::Template;
use serde::Deserialize;

use super::invariants;
use crate::{
    answer::{page, see},
    failure::Failure,
    frame::{Frame, Place},
    live::{Snapshot, TICK},
    session::CallError,
    sse::{Fragment, Look, watch},
    viewer::{Admin, Viewer},
};

#[derive(Template)]
#[template(path = "now.html")]
struct NowPage {
    frame: Frame,
    base: String,
    now: Arc<Snapshot>,
    is_live: bool,
    /// HTML: whether the invariants hold.
    invariants: String,
}

#[derive(Template)]
#[template(path = "map.html")]
struct Map<'a> {
    base: &'a str,
    now: &'a Snapshot,
}

#[derive(Template)]
#[template(path = "feed.html")]
pub struct Feed<'a> {
    pub now: &'a Snapshot,
}

/// `?live=off` stands still.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    live: String,
}

impl Wanted {
    pub fn is_live(&self) -> bool {
        self.live != "off"
    }
}

/// A USER begins at the shop.
pub async fn show(viewer: Viewer, wanted: Query<Wanted>) -> Result<HttpResponse, Failure> {
    if !viewer.is_admin() {
        return Ok(see(&viewer.site.base, Place::Shop.path()));
    }
    let now = viewer.site.live.look(&viewer).await?;
    let frame = viewer.frame(Place::Now, "Now");
    let invariants = invariants::badge(&viewer.site).await;
    let base = viewer.site.base.clone();
    page(NowPage { frame, base, now, is_live: wanted.is_live(), invariants }.render())
}

pub async fn live(admin: Admin) -> HttpResponse {
    watch(admin.into_viewer(), async |viewer: &Viewer| {
        let now = tick(viewer).await?;
        let map = Map { base: &viewer.site.base, now: &now }.render().unwrap_or_default();
        let feed = Feed { now: &now }.render().unwrap_or_default();
        let invariants = invariants::badge(&viewer.site).await;
        Ok(Look::Live(vec![
            Fragment { part: "map", html: map },
            Fragment { part: "feed", html: feed },
            Fragment { part: "invariants", html: invariants },
        ]))
    })
}

/// The next snapshot.
pub async fn tick(viewer: &Viewer) -> Result<Arc<Snapshot>, CallError> {
    sleep(TICK).await;
    viewer.site.live.look(viewer).await
}
