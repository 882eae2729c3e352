//! The settings of every service.

use std::{net::SocketAddr, time::Duration};

use crate::{
    db::DatabaseSettings,
    settings::{Production, Source},
    telemetry::{LogSettings, TraceSettings},
};

/// What every service reads.
#[derive(Debug, Clone)]
pub struct Common {
    /// Where the REST API listens.
    pub http_bind: SocketAddr,
    /// Where `/metrics` listens: apart from the API, so that it is not published by accident.
    pub metrics_bind: SocketAddr,
    /// HTTP worker threads.
    pub http_workers: usize,
    /// Largest request body in bytes.
    pub body_limit: usize,
    /// How long a request may take before it is answered 503 (long polls excepted).
    pub request_timeout: Duration,
    /// Requests in progress beyond which new ones are refused with 503.
    pub admission_limit: usize,
    /// Time between readiness going off and the end of the listener: whoever balances the load must notice
    /// first.
    pub shutdown_notice: Duration,
    /// How long SIGTERM waits for requests, consumers, writers and the relay to finish, all together.
    pub shutdown_timeout: Duration,
    /// Whether an ADMIN may break things here on purpose.
    pub faults: bool,
    /// How strictly the deployment is judged.
    pub production: Production,
    pub log: LogSettings,
    pub traces: TraceSettings,
    pub database: DatabaseSettings,
}

impl Common {
    /// Reads the settings every service has. `http_port` and `metrics_port` are the service's documented
    /// ports.
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
                "a request that takes longer is answered 503 (long polls excepted)",
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
                "how long SIGTERM still serves, not ready, so that load balancers notice",
            ),
            shutdown_timeout: source.value(
                "shutdown-timeout",
                "20s",
                "how long SIGTERM waits for work in progress, all stages together",
            ),
            faults: source.value(
                "faults",
                "off",
                "on: POST /ops/faults makes actors panic, for rehearsals; never in production",
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
            "must be off with `production`: it makes a service break itself",
        );
        settings.production.check_database(source, &settings.database.url);
        settings
    }
}
