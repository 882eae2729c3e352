use std::{net::SocketAddr, time::Duration};

use crate::settings::{RedisUrl, Source};

#[derive(Debug, Clone)]
pub struct StreamSettings {
    pub url: RedisUrl,
    /// A stable name finds its pending entries after a restart.
    pub consumer_name: String,
    /// Equal in every service.
    pub partitions: u16,
    pub batch: usize,
    pub block: Duration,
    /// Must exceed the longest handler.
    pub claim_idle: Duration,
    pub claim_interval: Duration,
    pub delivery_limit: u32,
    /// For blocking reads, on top of `block`.
    pub timeout: Duration,
    pub retention: Duration,
    pub backlog: u64,
    pub foreign_retention: Duration,
    /// Doubled at each check, up to eightfold.
    pub resend_after: Duration,
    pub sweep_interval: Duration,
}

impl StreamSettings {
    /// `consumer-name` defaults to host name and port: unique on one machine and stable across restarts.
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
            // Entries of 0.7 to 1 KiB use a quarter of the 384 MB of deploy/; replies as much again.
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
