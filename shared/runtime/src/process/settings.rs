use std::{net::SocketAddr, sync::Arc, time::Duration};

use super::ConnectionSettings;
use crate::{
    audit::AuditSettings,
    db::DatabaseSettings,
    settings::{Networks, Origins, Production, Source},
    telemetry::{LogSettings, TraceSettings},
    tls,
};

/// The settings that every service reads.
#[derive(Debug, Clone)]
pub struct Common {
    pub http_bind: SocketAddr,
    /// Separate, so that publishing the API keeps `/metrics` private.
    pub metrics_bind: SocketAddr,
    /// Of the REST API; `None`: plain HTTP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    pub http_workers: usize,
    pub body_limit: usize,
    pub request_timeout: Duration,
    pub admission_limit: usize,
    /// Their forwarding headers name the client.
    pub trusted_proxies: Networks,
    /// Web pages from there may call.
    pub cors_origins: Origins,
    pub connections: ConnectionSettings,
    pub shutdown_notice: Duration,
    pub shutdown_timeout: Duration,
    pub faults: bool,
    pub production: Production,
    pub log: LogSettings,
    pub traces: TraceSettings,
    pub database: DatabaseSettings,
    pub audit: AuditSettings,
}

impl Common {
    /// Reads the settings; the addresses are the service's defaults.
    pub fn read(source: &mut Source, http_bind: &'static str, metrics_bind: &'static str) -> Self {
        let settings = Self {
            http_bind: source.value("http-bind", http_bind, "address and port of the REST API"),
            metrics_bind: source.value("metrics-bind", metrics_bind, "address and port of /metrics"),
            tls: tls::read_server_config(source),
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
            trusted_proxies: source
                .optional(
                    "trusted-proxies",
                    "addresses and networks whose X-Forwarded-For and Forwarded name the client: 10.0.0.0/8,…",
                )
                .unwrap_or_default(),
            cors_origins: source
                .optional(
                    "cors-origins",
                    "origins whose web pages may call, as browsers send them: https://shop.example,…",
                )
                .unwrap_or_default(),
            connections: ConnectionSettings::read(source),
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
            audit: AuditSettings::read(source),
        };
        settings.production.check_absent(
            source,
            "faults",
            settings.faults,
            "must be off with `production`: it lets an ADMIN inject faults",
        );
        settings.log.check(source, settings.production);
        settings.production.check_server(source, settings.http_bind, settings.tls.is_some());
        settings.production.check_database(source, &settings.database.url);
        settings
    }
}
