use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use metrics_exporter_prometheus::PrometheusHandle;

use super::shown::Shown;

/// A look has time limits below this: later it is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(600);

/// What the pages show, from the last look.
#[derive(Clone, Default)]
pub struct Pages(Arc<Mutex<Shows>>);

#[derive(Default)]
struct Shows {
    invariants: String,
    metrics: Option<PrometheusHandle>,
    turned: Option<Instant>,
}

impl Pages {
    pub(super) fn begin(&self, metrics: PrometheusHandle) {
        self.with(|shows| shows.metrics = Some(metrics));
    }

    pub(super) fn show(&self, shown: &Shown) {
        // The types have no map keys or values that JSON lacks.
        let invariants = serde_json::to_string(shown).unwrap_or_default();
        self.with(|shows| {
            shows.invariants = invariants;
            shows.turned = Some(Instant::now());
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Shows) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves while the server is awaited, on a thread of its own.
pub fn serve(pages: &Pages, bind: SocketAddr) -> io::Result<(Server, SocketAddr)> {
    let pages = Data::new(pages.clone());
    let app = move || {
        App::new()
            .app_data(pages.clone())
            .service(web::resource("/invariants").get(invariants))
            .service(web::resource("/metrics").get(metrics))
            .service(web::resource("/healthz").get(healthz))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind(bind)?;
    let address = server.addrs()[0];
    Ok((server.run(), address))
}

async fn invariants(pages: Data<Pages>) -> HttpResponse {
    let json = pages.with(|shows| shows.invariants.clone());
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(json)
}

async fn metrics(pages: Data<Pages>) -> HttpResponse {
    let handle = pages.with(|shows| shows.metrics.clone());
    let text = handle.map(|handle| handle.render()).unwrap_or_default();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text)
}

/// Healthy while it looks, whatever the servers answer.
async fn healthz(pages: Data<Pages>) -> HttpResponse {
    let is_stuck = pages.with(|shows| shows.turned.is_none_or(|turned| turned.elapsed() > STUCK_AFTER));
    if is_stuck {
        HttpResponse::ServiceUnavailable().body("the last look is too long ago\n")
    } else {
        HttpResponse::Ok().body("it looks\n")
    }
}
