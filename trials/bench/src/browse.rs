//! `GET /products/{sku}`, beside axum that serves the same products from memory behind the same check of
//! tokens.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use runtime::auth::{KeySet, TokenSettings, Verifier};
use runtime::settings::Source;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::cores::{CpuTimer, quiet};
use super::orders::CONNECTIONS;
use super::plan::BenchPlan;
use super::site::{Site, products};
use super::wrk::{self, Load, Request};
use super::{BenchError, Figure, Measure, Reading};
use ctl::api::Money;
use ctl::stack::Kind;

/// As many as `inventory` has for requests (`http-workers`).
const THREADS: usize = 2;

pub async fn browse(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let fixture = site.fixture(products()).await?;
    let load = |time| Load { request: Request::Product, ..Load::orders(time, CONNECTIONS) };
    let yardstick = Yardstick::start(site)
        .await
        .map_err(|error| BenchError::io("serve products by axum")(io::Error::other(error)))?;
    let mut figures = Vec::new();
    let mut notes = Vec::new();
    let mut cores = None;
    for (figure, url) in
        [(Figure::AxumBrowsed, yardstick.url.clone()), (Figure::Browsed, site.url(Kind::Inventory)?)]
    {
        let urls = [url];
        wrk::run(site.folder(), &urls, &fixture, load(plan.warm_up)).await?;
        quiet(plan.patience).await;
        let timer = CpuTimer::begin(&site.process_groups());
        let outcome = wrk::run(site.folder(), &urls, &fixture, load(plan.time)).await?;
        cores = Some(timer.end(&site.process_groups()));
        let [p50, p95, p99] = outcome.milliseconds();
        notes.push(format!(
            "{}: p50 {p50:.2} ms, p95 {p95:.2} ms, p99 {p99:.2} ms, {} refused",
            figure.name(),
            outcome.refused
        ));
        figures.push((figure, outcome.per_second()));
    }
    Ok(Reading { notes, ..Reading::new(Measure::Browse, figures, cores.unwrap_or_default()) })
}

/// The fields of `ProductBody` of `inventory`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Product {
    sku: String,
    name: String,
    description: String,
    price: Money,
    available: u32,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

struct Catalogue {
    verifier: Verifier,
    products: HashMap<String, Product>,
}

/// Serves in threads of its own until it is dropped.
struct Yardstick {
    url: String,
    threads: Option<Runtime>,
}

impl Yardstick {
    async fn start(site: &Site) -> anyhow::Result<Self> {
        let catalogue = Arc::new(Catalogue {
            verifier: verifier(&site.url(Kind::User)?)?,
            products: copies(site).await?,
        });
        let application = axum::Router::new().route("/products/{sku}", get(show)).with_state(catalogue);
        let threads = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        threads.spawn(async move { axum::serve(TcpListener::from_std(listener)?, application).await });
        Ok(Self { url: format!("http://{address}"), threads: Some(threads) })
    }
}

impl Drop for Yardstick {
    fn drop(&mut self) {
        // A runtime that is dropped inside another one panics.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

async fn show(
    State(catalogue): State<Arc<Catalogue>>,
    Path(sku): Path<String>,
    headers: HeaderMap,
) -> Response {
    let token =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(token) = token else { return StatusCode::UNAUTHORIZED.into_response() };
    if catalogue.verifier.cached(token).is_none() && catalogue.verifier.verify(token).await.is_err() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match catalogue.products.get(&sku) {
        Some(product) => {
            ([(header::ETAG, format!("\"{}\"", product.version))], Json(product)).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn copies(site: &Site) -> anyhow::Result<HashMap<String, Product>> {
    let mut copies = HashMap::new();
    for sku in products() {
        let product = serde_json::to_value(site.product(&sku).await?)?;
        copies.insert(sku, serde_json::from_value(product)?);
    }
    Ok(copies)
}

fn verifier(user_url: &str) -> anyhow::Result<Verifier> {
    let mut source = Source::new([], [("JWKS_URL".to_owned(), format!("{user_url}/.well-known/jwks.json"))]);
    let settings = TokenSettings::read(&mut source);
    source.finish()?;
    let keys = KeySet::remote(settings.jwks_url.clone(), settings.jwks_refresh)?;
    Ok(Verifier::new(keys, &settings))
}
