//! Settings: one name, three sources, all errors at once.
//!
//! A setting called `http-bind` is the flag `--http-bind`, the environment variable `HTTP_BIND` and the key
//! `http-bind` of the TOML file named by `--config` or `CONFIG`. A flag wins over the environment, the
//! environment over the file, the file over the default. `HTTP_BIND_FILE` reads the value from a file, as
//! secrets are mounted by Docker and Kubernetes.
//!
//! A service reads its settings field by field; a wrong value is recorded and the default (or the example of
//! a required setting) stands in, so that [`Source::finish`] can report every mistake of a deployment in one
//! go.

mod production;
mod source;
mod value;

pub use production::{PRINTED, Production};
pub use source::{Description, SettingError, SettingsErrors, Source};
pub use value::{DatabaseUrl, HttpUrl, RedisUrl, Secret, Value};

use std::{net::SocketAddr, time::Duration};

use crate::telemetry::{LogFilter, LogFormat};

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

#[derive(Debug, Clone)]
pub struct LogSettings {
    pub format: LogFormat,
    pub filter: LogFilter,
}

#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// Where spans go; none are made without.
    pub collector: Option<HttpUrl>,
    /// Share of new traces that are sampled, 0 to 1.
    pub sample_ratio: f64,
}

#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    pub url: DatabaseUrl,
    /// Whether this process brings the schema up to date itself, or waits until somebody has.
    pub migrate_on_start: bool,
    /// Connections for what HTTP requests ask for.
    pub pool_size: usize,
    /// How long to wait for a free connection, or for one address of the server to make a new one.
    pub connect_timeout: Duration,
    /// `statement_timeout`, `lock_timeout` and `idle_in_transaction_session_timeout` of every connection.
    pub statement_timeout: Duration,
    /// How long a batch of the group commit is tried again after a lost connection before its writers are
    /// told.
    pub commit_deadline: Duration,
    /// Most rows in one transaction of the group commit.
    pub commit_batch: usize,
    /// Shortest time between two commits of a writer whose callers are in no hurry.
    pub commit_interval: Duration,
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

impl LogSettings {
    /// Reads how to log.
    pub fn read(source: &mut Source) -> Self {
        Self {
            format: source.value(
                "log-format",
                "auto",
                "auto, pretty or json (auto: pretty on a terminal, otherwise json)",
            ),
            filter: source.value(
                "log-filter",
                "info,actix_server=warn,refinery_core=warn,tokio_postgres=warn",
                "level, or levels by module, e.g. info,runtime::stream=debug",
            ),
        }
    }
}

impl TraceSettings {
    /// Reads whether and which spans are sent.
    pub fn read(source: &mut Source) -> Self {
        let collector: Option<HttpUrl> = source.value(
            "otlp-endpoint",
            "",
            "OpenTelemetry collector that gets spans (OTLP over HTTP), e.g. http://127.0.0.1:4318",
        );
        let plain = collector.as_ref().is_none_or(|url| url.as_str().starts_with("http://"));
        source.check(
            "otlp-endpoint",
            plain,
            "must be http://: name a collector near by, and let that one encrypt what leaves the site",
        );
        let about = "share of the traces begun here that are sampled, 0 to 1; a trace begun elsewhere follows the flag of its traceparent";
        Self { collector, sample_ratio: source.within("trace-sample-ratio", "1", 0.0..=1.0, about) }
    }
}

impl DatabaseSettings {
    /// Reads what a process needs to reach its database.
    pub fn read(source: &mut Source) -> Self {
        Self {
            url: source.required(
                "database-url",
                "postgres://orderflow:secret@127.0.0.1:5432/orderflow",
                "this service's own PostgreSQL database",
            ),
            migrate_on_start: source.value(
                "migrate-on-start",
                "on",
                "off: the schema is left to the command `migrate`, so that database-url needs no right to change tables",
            ),
            pool_size: source.within(
                "database-pool-size",
                "8",
                2..=256,
                "PostgreSQL connections for what HTTP requests ask for; writers and work in the background have their own",
            ),
            connect_timeout: source.value(
                "database-connect-timeout",
                "1s",
                "wait for a free connection, or for one address of the server to make a new one",
            ),
            // Handler (2 s) < statement (3 s) < claim idle (10 s): a claimed event never races its first
            // handler.
            statement_timeout: source.value(
                "database-statement-timeout",
                "3s",
                "statement, lock and idle-in-transaction timeout; what a request asks for has 1s at most",
            ),
            commit_deadline: source.value("commit-deadline", "2s", "how long a batch is tried again after a lost connection"),
            commit_batch: source.within("commit-batch", "512", 1..=10_000, "most items in one transaction of the group commit"),
            commit_interval: source.value(
                "commit-interval",
                "8ms",
                "shortest time between two commits of what no request waits for and comes in numbers; up to six times as long for hundreds",
            ),
        }
    }
}

/// What a service that speaks over Redis Streams reads.
#[derive(Debug, Clone)]
pub struct StreamSettings {
    pub url: RedisUrl,
    /// Name of this process among the consumers of a group. The same name after a restart finds its own
    /// pending entries at once.
    pub consumer_name: String,
    /// Partitions of each stream; every service must have the same number.
    pub partitions: u16,
    /// Most entries in one read.
    pub batch: usize,
    /// Longest wait of one read; also the longest a stop waits for an idle consumer.
    pub block: Duration,
    /// Pending entries of another consumer idle for longer are claimed. Must exceed the longest handler.
    pub claim_idle: Duration,
    /// Time between two looks for entries to claim or to try again.
    pub claim_interval: Duration,
    /// Deliveries after which an event becomes a dead letter.
    pub delivery_limit: u32,
    /// Longest wait for an answer of Redis (blocking reads: on top of `block`).
    pub timeout: Duration,
    /// How long acknowledged entries stay in the stream.
    pub retention: Duration,
    /// Unread entries of a stream beyond which nothing more is published to it: the rows wait in PostgreSQL.
    pub backlog: u64,
    /// How long a group that this service does not know may hold entries back.
    pub foreign_retention: Duration,
    /// An event that is not confirmed for this long is published again (doubling each time).
    pub resend_after: Duration,
    /// Time between two sweeps of the outbox.
    pub sweep_interval: Duration,
}

impl StreamSettings {
    /// Reads the settings of streams. `consumer-name` defaults to host name and port: unique among the
    /// instances of one machine, and the same after a restart, so that a process finds what it held before.
    pub fn read(source: &mut Source, http_bind: SocketAddr) -> Self {
        let settings = Self {
            url: source.value("redis-url", "redis://127.0.0.1:6379/0", "Redis 7 or Valkey, with AOF and noeviction"),
            consumer_name: source.value(
                "consumer-name",
                "",
                "name among the consumers of a group, unique per instance; when off: host name and port",
            ),
            partitions: source.within("stream-partitions", "1", 1..=64, "partitions of each stream, the same in every service"),
            batch: source.within("stream-batch", "512", 1..=10_000, "most events in one read"),
            block: source.value("stream-block", "1s", "longest wait of one read"),
            claim_idle: source.value("claim-idle", "10s", "pending entries of another consumer idle for longer are claimed"),
            claim_interval: source.value("claim-interval", "1s", "time between two looks for entries to claim"),
            delivery_limit: source.within("delivery-limit", "5", 1..=1000, "deliveries after which an event becomes a dead letter"),
            timeout: source.value("redis-timeout", "2s", "longest wait for an answer of Redis"),
            retention: source.value("stream-retention", "10s", "how long acknowledged entries stay in a stream at least"),
            // Of 0.7 to 1 KiB each: a quarter of the 384 MB that Redis has in deploy/, and as much again for
            // the answers to them.
            backlog: source.within(
                "stream-backlog",
                "100000",
                1..=1_000_000_000,
                "unread entries of a stream beyond which events wait in PostgreSQL; about 1 KiB of Redis memory each",
            ),
            foreign_retention: source.value(
                "foreign-group-retention",
                "10m",
                "how long a consumer group that is not of these services keeps entries from being trimmed",
            ),
            resend_after: source.value("resend-after", "5s", "an event not confirmed for this long is published again"),
            sweep_interval: source.value("outbox-sweep-interval", "1s", "time between two sweeps of the outbox"),
        };
        settings.checked(source, http_bind)
    }

    fn checked(mut self, source: &mut Source, http_bind: SocketAddr) -> Self {
        if self.consumer_name.is_empty() {
            self.consumer_name = format!("{}-{}", host_name(), http_bind.port());
        }
        let handler = Duration::from_secs(2);
        source.check(
            "claim-idle",
            self.claim_idle >= handler,
            "must be at least 2s, the longest an event handler may take",
        );
        source.check(
            "stream-block",
            self.block >= Duration::from_millis(1),
            "must be at least 1ms: 0 would wait for ever",
        );
        self
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "consumer".to_owned() } else { name.to_owned() }
}

/// How a verifier of tokens finds and judges them.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    pub jwks_url: HttpUrl,
    pub issuer: String,
    pub audience: String,
    /// Verified tokens remembered.
    pub cache_size: usize,
    /// Shortest time between two fetches of the key set.
    pub jwks_refresh: Duration,
}

impl TokenSettings {
    /// Reads the settings of token verification.
    pub fn read(source: &mut Source) -> Self {
        Self {
            jwks_url: source.value(
                "jwks-url",
                "http://127.0.0.1:8002/.well-known/jwks.json",
                "public keys of the user service",
            ),
            issuer: source.value("token-issuer", "orderflow-user", "`iss` a token must carry"),
            audience: source.value("token-audience", "orderflow", "`aud` a token must carry"),
            cache_size: source.within(
                "token-cache-size",
                "10000",
                1..=10_000_000,
                "verified tokens remembered",
            ),
            jwks_refresh: source.value(
                "jwks-refresh",
                "10s",
                "shortest time between two fetches of the key set",
            ),
        }
    }
}
