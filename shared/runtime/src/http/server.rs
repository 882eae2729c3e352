use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{
    App, HttpResponse,
    dev::{Server, ServerHandle},
    http::header,
    middleware::from_fn,
    web::{self, Bytes, Data, PathConfig, ServiceConfig},
};

use super::{
    Admission, BodyLimits, Problem, Readiness, accept, docs, edge, health, known_routes::KnownRoutes,
    parameters::KnownParameters, problem_pages,
};
use crate::{
    db,
    process::Common,
    telemetry::{EXPOSITION, Metrics},
};

/// The options of [`start`].
#[derive(Clone)]
pub struct HttpOptions {
    pub service: &'static str,
    pub settings: Common,
    pub readiness: Readiness,
    pub metrics: Metrics,
    /// The OpenAPI document.
    pub openapi: serde_json::Value,
}

/// Both servers, listening.
pub struct RunningHttp {
    /// Holds the actual port if 0 was asked for.
    pub address: SocketAddr,
    pub metrics_address: SocketAddr,
    api: ServerHandle,
    metrics: ServerHandle,
    notice: Duration,
}

impl RunningHttp {
    /// Waits `shutdown-notice`, in which load balancers move their connections.
    pub async fn give_notice(&self) {
        tokio::time::sleep(self.notice).await;
    }

    /// Closes the listener and waits up to half of `shutdown-timeout` for requests.
    pub async fn stop(&self) {
        self.api.stop(true).await;
    }

    /// Stops the metrics server, after all other parts.
    pub async fn stop_metrics(&self) {
        self.metrics.stop(false).await;
    }
}

/// Starts both servers; `configure` adds routes and data. An error names the address.
pub fn start<F>(options: &HttpOptions, configure: F) -> io::Result<RunningHttp>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let (api, address) = api_server(options, configure)?;
    let (metrics, metrics_address) = metrics_server(options)?;
    tracing::info!(service = options.service, http = %address, metrics = %metrics_address, "listening");
    let notice = options.settings.shutdown_notice;
    Ok(RunningHttp { address, metrics_address, api: run(api), metrics: run(metrics), notice })
}

fn run(server: Server) -> ServerHandle {
    let handle = server.handle();
    actix_rt::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "an HTTP server ended");
        }
    });
    handle
}

fn api_server<F>(options: &HttpOptions, configure: F) -> io::Result<(Server, SocketAddr)>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let settings = &options.settings;
    let admission = Admission::new(options.service, settings.admission_limit, settings.request_timeout)
        .with_head_limit(settings.connections.head_limit);
    let admission = Data::new(admission);
    let time = settings.connections.body_timeout.min(settings.request_timeout);
    let limits = Data::new(BodyLimits { body: settings.body_limit, time });
    let readiness = Data::new(options.readiness.clone());
    let trusted_proxies = Data::new(settings.trusted_proxies.clone());
    let openapi = Bytes::from(serde_json::to_vec(&options.openapi)?);
    let cors_origins = Data::new(settings.cors_origins.clone());
    let parameters = Data::new(KnownParameters::of(&options.openapi));
    let known_routes = Data::new(KnownRoutes::of(&options.openapi));
    let (listener, address) = listener(settings.http_bind)?;
    let app = move || {
        db::forbid_on_this_thread();
        App::new()
            .wrap(from_fn(edge::edge))
            .app_data(admission.clone())
            .app_data(limits.clone())
            .app_data(readiness.clone())
            .app_data(trusted_proxies.clone())
            .app_data(cors_origins.clone())
            .app_data(parameters.clone())
            .app_data(known_routes.clone())
            .app_data(PathConfig::default().error_handler(|_, _| Problem::absent("resource").into()))
            // Own routes first: those of the pages use a regular expression.
            .configure(configure.clone())
            .configure(health::routes)
            .configure(problem_pages::routes)
            .configure(docs::routes(openapi.clone()))
            .default_service(web::to(edge::not_found))
    };
    Ok((
        accept::serve(
            listener,
            settings,
            &options.readiness,
            settings.http_workers,
            settings.tls.clone(),
            app,
        )?,
        address,
    ))
}

fn metrics_server(options: &HttpOptions) -> io::Result<(Server, SocketAddr)> {
    let metrics = Data::new(options.metrics.clone());
    let (listener, address) = listener(options.settings.metrics_bind)?;
    let app = move || {
        App::new()
            .wrap(from_fn(edge::plain_edge))
            .app_data(metrics.clone())
            .service(web::resource("/metrics").get(scrape))
            .default_service(web::to(no_metrics))
    };
    Ok((accept::serve(listener, &options.settings, &options.readiness, 1, None, app)?, address))
}

async fn scrape(metrics: Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(EXPOSITION)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(metrics.render())
}

async fn no_metrics() -> Result<HttpResponse, Problem> {
    Err(Problem::absent("resource; the metrics are at /metrics"))
}

fn listener(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).map_err(named)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
