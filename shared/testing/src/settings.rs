use std::{net::SocketAddr, time::Duration};

use runtime::{
    db::DatabaseSettings,
    settings::{DatabaseUrl, RedisUrl, Source, Value},
    stream::StreamSettings,
};

/// Defaults, with all waits below one second.
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
    settings
}

/// Defaults, with `url`.
#[must_use]
pub fn database_settings(url: &str) -> DatabaseSettings {
    let mut settings = DatabaseSettings::read(&mut nothing());
    settings.url = DatabaseUrl::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    settings
}

/// A test must not depend on the shell that runs it.
fn nothing() -> Source {
    Source::new([], [])
}
