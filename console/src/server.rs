use std::{io, net::SocketAddr};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::Server,
    middleware::from_fn,
    rt,
    web::{self, Data, ServiceConfig},
};

use crate::{
    api::Api, assets, bulk::Jobs, edge::edge, failure::Failure, health, live::Live, pages, sampler::sample,
    session::Sessions, settings::Settings, site::Site, tls::identity, verifier::Verifier,
};

/// Pages are small, and their reader waits for services, not for a processor.
const THREADS: usize = 2;
/// Open live pages do not hold up the end.
const SHUTDOWN_SECONDS: u64 = 2;

/// A console that listens. It serves while `server` is awaited.
pub struct Running {
    pub server: Server,
    pub scheme: &'static str,
    pub address: SocketAddr,
    pub base: String,
}

/// Listens as the settings say.
pub fn bind(settings: Settings) -> io::Result<Running> {
    let Settings { bind, user_url, inventory_url, payment_url, base_path, .. } = settings;
    let api = Api::new([user_url, inventory_url, payment_url]).map_err(io::Error::other)?;
    let site = Data::new(Site {
        base: base_path.clone(),
        secure_cookie: settings.secure_cookie,
        trace_url: settings.trace_url,
        verifier: settings.verifier_url.map(|url| Verifier::new(api.http().clone(), url)),
        api,
        sessions: Sessions::new(settings.sessions, settings.session_idle),
        live: Live::new(settings.late_after),
        jobs: Jobs::default(),
    });
    rt::spawn(sample(site.clone()));
    let base = base_path.clone();
    let app = move || {
        App::new()
            .wrap(from_fn(edge))
            .app_data(site.clone())
            .service(web::scope(&base).configure(routes))
            .default_service(web::to(async || Err::<HttpResponse, _>(Failure::NotFound)))
    };
    let server = HttpServer::new(app).workers(THREADS).shutdown_timeout(SHUTDOWN_SECONDS);
    let (server, scheme) = match (&settings.tls_certificate_file, &settings.tls_key_file) {
        (Some(certificate), Some(key)) => {
            (server.bind_rustls_0_23(bind, identity(certificate, key)?)?, "https")
        }
        _ => (server.bind(bind)?, "http"),
    };
    let address = server.addrs()[0];
    Ok(Running { server: server.run(), scheme, address, base: base_path })
}

fn routes(config: &mut ServiceConfig) {
    use pages::{
        account_changes, accounts, audit, bulk, dead_letters, faults, invariants, login, now, order, orders,
        products, shop, streams,
    };
    config
        .service(web::resource("/assets/{name}").get(assets::show))
        .service(web::resource("/healthz").get(health::answer))
        .service(web::resource("/login").get(login::show).post(login::log_in))
        .service(web::resource("/logout").post(login::log_out))
        .service(web::resource(["", "/"]).get(now::show))
        .service(web::resource("/live").get(now::live))
        .service(web::resource("/streams").get(streams::show))
        .service(web::resource("/streams/live").get(streams::live))
        .service(web::resource("/orders").get(orders::list))
        .service(web::resource("/orders/{id}").get(order::show))
        .service(web::resource("/orders/{id}/live").get(order::live))
        .service(web::resource("/dead-letters").get(dead_letters::list))
        .service(web::resource("/dead-letters/group").get(bulk::choose).post(bulk::ask))
        .service(web::resource("/dead-letters/job").get(bulk::show).post(bulk::begin))
        .service(web::resource("/dead-letters/job/live").get(bulk::live))
        .service(web::resource("/dead-letters/job/stop").post(bulk::stop))
        .service(web::resource("/dead-letters/{id}").get(dead_letters::show))
        .service(web::resource("/dead-letters/{id}/redrive").post(dead_letters::redrive))
        .service(web::resource("/dead-letters/{id}/discard").post(dead_letters::discard))
        .service(web::resource("/products").get(products::list).post(products::create))
        .service(web::resource("/products/{sku}").get(products::show).post(products::change))
        .service(web::resource("/products/{sku}/stock").post(products::adjust))
        .service(web::resource("/accounts").get(accounts::list).post(account_changes::change))
        .service(web::resource("/audit").get(audit::list))
        .service(web::resource("/invariants").get(invariants::show))
        .service(web::resource("/faults").get(faults::show).post(faults::inject))
        .service(web::resource("/faults/lose-streams").post(faults::lose_streams))
        .service(web::resource("/shop").get(shop::show))
        .service(web::resource("/shop/orders").post(shop::order));
}
