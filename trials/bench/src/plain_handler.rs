//! A plain `POST /orders`: payment's HTTP server, token verification and rows, one prepared statement a
//! request.

use std::io;

use actix_web::dev::ServerHandle;
use actix_web::error::ErrorInternalServerError;
use actix_web::web::{Data, Json, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use runtime::auth::{KeySet, Token, UserOnly, Verifier};
use runtime::{auth::TokenSettings, settings::Source};
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio_postgres::types::Json as JsonColumn;
use tokio_postgres::{Client, NoTls, Statement};
use uuid::Uuid;

use super::BenchError;
use super::site::{PRICE, Site};
use ctl::stack::Kind;

const INSERT: &str = include_str!("sql/plain_handler.sql");
/// As long as those of payment.
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const REQUEST_HASH: [u8; 32] = [7; 32];

pub struct PlainHandler {
    pub url: String,
    server: ServerHandle,
    serving: JoinSet<io::Result<()>>,
}

impl PlainHandler {
    /// Serves on the copy of payment's database.
    pub async fn start(site: &Site) -> Result<Self, BenchError> {
        let verifier = verifier(&site.url(Kind::User)?).map_err(BenchError::io("verify tokens"))?;
        let database = site.yardstick_url(Kind::Payment);
        let server = HttpServer::new(move || {
            let database = database.clone();
            let orders = move || Orders::open(database.clone());
            App::new()
                .app_data(Data::new(verifier.clone()))
                .data_factory(orders)
                .route("/orders", post().to(place))
        });
        let server = server
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .map_err(BenchError::io("serve the plain handler"))?;
        let url = server.addrs().iter().map(|address| format!("http://{address}")).collect();
        let running = server.run();
        let server = running.handle();
        let mut serving = JoinSet::new();
        serving.spawn(running);
        Ok(Self { url, server, serving })
    }

    pub async fn stop(mut self) {
        self.server.stop(true).await;
        self.serving.join_next().await;
    }
}

/// The connection of one worker.
struct Orders {
    client: Client,
    insert: Statement,
}

impl Orders {
    async fn open(database: String) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&database, NoTls).await?;
        actix_web::rt::spawn(connection);
        let insert = client.prepare(INSERT).await?;
        Ok(Self { client, insert })
    }
}

#[derive(Deserialize)]
struct Cart {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    sku: String,
    quantity: i64,
}

async fn place(
    token: Token<UserOnly>,
    request: HttpRequest,
    cart: Json<Cart>,
    orders: Data<Orders>,
) -> actix_web::Result<HttpResponse> {
    let id = Uuid::now_v7();
    let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let money = |amount: i64| serde_json::json!({"amount": amount, "currency": "EUR"});
    let line = |item: &Item| {
        let sku = &item.sku;
        let total = money(PRICE * item.quantity);
        serde_json::json!({"sku": sku, "name": sku, "unit_price": money(PRICE), "quantity": item.quantity, "line_total": total})
    };
    let lines = JsonColumn(cart.items.iter().map(line).collect::<Vec<_>>());
    let total: i64 = cart.items.iter().map(|item| PRICE * item.quantity).sum();
    let request_id = Uuid::new_v4().to_string();
    let row: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
        [&id, &token.sub, &total, &key, &REQUEST_HASH.as_slice(), &request_id, &TRACE, &lines];
    orders.client.execute(&orders.insert, &row).await.map_err(ErrorInternalServerError)?;
    let order = serde_json::json!({"id": id, "status": "pending", "total": money(total), "items": lines.0});
    Ok(HttpResponse::Accepted().insert_header(("location", format!("/orders/{id}"))).json(order))
}

fn verifier(user_url: &str) -> io::Result<Verifier> {
    let mut source = Source::new([], [("JWKS_URL".to_owned(), format!("{user_url}/.well-known/jwks.json"))]);
    let settings = TokenSettings::read(&mut source);
    source.finish().map_err(io::Error::other)?;
    let keys = KeySet::remote(settings.jwks_url.clone(), settings.jwks_refresh).map_err(io::Error::other)?;
    Ok(Verifier::new(keys, &settings))
}
