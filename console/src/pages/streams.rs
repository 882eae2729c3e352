//! Streams, the consumers that hold their entries, and what took the place of whom.

use std::sync::Arc;

use actix_web::{HttpResponse, web::Query};
use askama::Template;

use super::now::{Feed, Wanted, tick};
use crate::{
    answer::page,
    failure::Failure,
    frame::{Frame, Place},
    live::Snapshot,
    sse::{Fragment, Look, watch},
    viewer::{Admin, Viewer},
};

#[derive(Template)]
#[template(path = "streams.html")]
struct StreamsPage {
    frame: Frame,
    base: String,
    now: Arc<Snapshot>,
    is_live: bool,
}

#[derive(Template)]
#[template(path = "stream_table.html")]
struct StreamTable<'a> {
    now: &'a Snapshot,
}

pub async fn show(admin: Admin, wanted: Query<Wanted>) -> Result<HttpResponse, Failure> {
    let now = admin.site.live.look(&admin).await?;
    let frame = admin.frame(Place::Streams, "Streams and consumers");
    page(StreamsPage { frame, base: admin.site.base.clone(), now, is_live: wanted.is_live() }.render())
}

pub async fn live(admin: Admin) -> HttpResponse {
    watch(admin.into_viewer(), async |viewer: &Viewer| {
        let now = tick(viewer).await?;
        let table = StreamTable { now: &now }.render().unwrap_or_default();
        let feed = Feed { now: &now }.render().unwrap_or_default();
        Ok(Look::Live(vec![Fragment { part: "streams", html: table }, Fragment { part: "feed", html: feed }]))
    })
}
