use std::{net::SocketAddr, time::Duration};

use runtime::{
    db::DatabaseSettings,
    settings::{DatabaseUrl, RedisUrl, Source, Value},
    stream::StreamSettings,
};

/// A busy machine may stop a process for seconds. A test of a limit sets its own.
const PATIENCE: Duration = Duration::from_secs(30);

/// Defaults, with all waits below one second, and a Redis that may be slow to answer.
#[must_use]
pub fn stream_settings(redis_url: &str) -> StreamSettings {
    let mut settings = StreamSettings::read(&mut nothing(), SocketAddr::from(([127, 0, 0, 1], 0)));
    settings.url = RedisUrl::parse(redis_url).unwrap_or_else(|error| panic!("{redis_url}: {error}"));
    settings.consumer_name = "test".to_owned();
    settings.block = Duration::from_millis(50);
    settings.claim_idle = Duration::from_millis(300);
    settings.claim_interval = Duration::from_millis(50);
    settings.resend_after = Duration::from_millis(300);
    settings.sweep_interval = Duration::from_millis(50);
    settings.timeout = PATIENCE;
    settings
}

/// Defaults, with `url` and a PostgreSQL that may be slow to answer.
#[must_use]
pub fn database_settings(url: &str) -> DatabaseSettings {
    let mut settings = DatabaseSettings::read(&mut nothing());
    settings.url = DatabaseUrl::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    settings.connect_timeout = PATIENCE;
    settings.statement_timeout = PATIENCE;
    settings.commit_deadline = PATIENCE;
    settings
}

/// A test must not depend on the shell that runs it.
fn nothing() -> Source {
    Source::new([], [])
}
