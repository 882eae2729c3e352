//! The settings of every service.

use std::{net::SocketAddr, time::Duration};

use crate::{
    db::DatabaseSettings,
    settings::{Production, Source},
    telemetry::{LogSettings, TraceSettings},
};

/// The settings that every service reads.
#[derive(Debug, Clone)]
pub struct Common {
    /// The address of the REST API.
    pub http_bind: SocketAddr,
    /// The address of `/metrics`: apart from the API, so that publishing the API keeps it private.
    pub metrics_bind: SocketAddr,
    /// HTTP worker threads.
    pub http_workers: usize,
    /// Largest request body in bytes.
    pub body_limit: usize,
    /// Longest duration of a request; a longer one is answered 503. Long polls get 30 s more.
    pub request_timeout: Duration,
    /// Requests in progress beyond which new ones are answered 503.
    pub admission_limit: usize,
    /// Time between the fall of readiness and the end of the listener, in which load balancers notice.
    pub shutdown_notice: Duration,
    /// Longest wait after SIGTERM for requests, consumers, writers and the relay, all together.
    pub shutdown_timeout: Duration,
    /// Whether an ADMIN may inject faults.
    pub faults: bool,
    /// The checks of production mode.
    pub production: Production,
    /// Form and filter of the logs.
    pub log: LogSettings,
    /// Collector and sampling of spans.
    pub traces: TraceSettings,
    /// The database of the service.
    pub database: DatabaseSettings,
}

impl Common {
    /// Reads the settings of every service. `http_bind` and `metrics_bind` are the documented defaults of the
    /// service.
    pub fn read(source: &mut Source, http_bind: &'static str, metrics_bind: &'static str) -> Self {
        let settings = Self {
            http_bind: source.value("http-bind", http_bind, "address and port of the REST API"),
            metrics_bind: source.value("metrics-bind", metrics_bind, "address and port of /metrics"),
            http_workers: source.within("http-workers", "2", 1..=256, "HTTP worker threads"),
            body_limit: source.within(
                "body-limit",
                "65536",
                1024..=16 << 20,
                "largest request body, in bytes",
            ),
            request_timeout: source.value(
                "request-timeout",
                "5s",
                "longest duration of a request; longer ones get 503 (long polls have 30s more)",
            ),
            admission_limit: source.within(
                "admission-limit",
                "1024",
                1..=1_000_000,
                "requests in progress beyond which new ones get 503",
            ),
            shutdown_notice: source.value(
                "shutdown-notice",
                "1s",
                "time after SIGTERM in which the unready service still serves, so that load balancers notice",
            ),
            shutdown_timeout: source.value(
                "shutdown-timeout",
                "20s",
                "longest wait after SIGTERM for work in progress, all stages together",
            ),
            faults: source.value(
                "faults",
                "off",
                "accept POST /ops/faults, which injects faults for rehearsals; never in production",
            ),
            production: Production::read(source),
            log: LogSettings::read(source),
            traces: TraceSettings::read(source),
            database: DatabaseSettings::read(source),
        };
        settings.production.check_absent(
            source,
            "faults",
            settings.faults,
            "must be off with `production`: it lets an ADMIN inject faults",
        );
        settings.production.check_database(source, &settings.database.url);
        settings
    }
}
