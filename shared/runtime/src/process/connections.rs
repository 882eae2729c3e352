use std::time::Duration;

use crate::settings::Source;

/// What the connections of clients may take.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionSettings {
    pub keep_alive: Duration,
    pub head_timeout: Duration,
    pub body_timeout: Duration,
    /// In bytes.
    pub head_limit: usize,
    /// At a time.
    pub most: usize,
    /// At a time, of one address, or /64 network of IPv6.
    pub per_source: usize,
}

impl ConnectionSettings {
    pub(super) fn read(source: &mut Source) -> Self {
        Self {
            keep_alive: source.value(
                "keep-alive",
                "5s",
                "how long a connection stays open without a request",
            ),
            head_timeout: source.value(
                "head-timeout",
                "5s",
                "longest time for the head of a request; later ones get 408",
            ),
            // Below `request-timeout`, whose answer is another one. 64 KiB take 2 s at 32 KiB/s.
            body_timeout: source.value(
                "body-timeout",
                "4s",
                "longest time for the body of a request; later ones get 408",
            ),
            head_limit: source.within(
                "head-limit",
                "16384",
                1024..=131_072,
                "largest head of a request, in bytes; larger ones get 431",
            ),
            // 20 KiB each: a third of the container's memory.
            most: source.within(
                "connection-limit",
                "4096",
                1..=1_000_000,
                "connections of clients; further ones wait to be accepted",
            ),
            per_source: source.within(
                "connections-per-source",
                "1024",
                1..=1_000_000,
                "connections from one address, or /64 network of IPv6, unless it is a trusted proxy",
            ),
        }
    }
}
