use std::time::Duration;

use runtime::{
    auth::TokenSettings,
    limits::Policy,
    process::Common,
    settings::{HttpUrl, Secret, Source},
    stream::StreamSettings,
};

#[derive(Debug, Clone)]
pub struct Settings {
    pub common: Common,
    pub streams: StreamSettings,
    pub tokens: TokenSettings,
    pub products: ProductSourceSettings,
    pub provider: ProviderSettings,
    pub reconciler: ReconcilerSettings,
    pub charge_backlog: u32,
    pub orders_per_user: Policy,
    pub waits_per_user: usize,
    pub waits: usize,
    pub event_heartbeat: Duration,
    pub compare_interval: Duration,
    pub price_age: Duration,
    pub late_after: Duration,
}

#[derive(Debug, Clone)]
pub struct ProductSourceSettings {
    pub inventory_url: HttpUrl,
    pub token_url: HttpUrl,
    pub client_id: String,
    pub client_secret: Secret,
}

#[derive(Debug, Clone, Copy)]
pub struct ProviderSettings {
    pub latency: Duration,
    pub timeout: Duration,
    pub in_flight: usize,
}

#[derive(Debug, Clone, Copy)]
pub struct ReconcilerSettings {
    pub after: Duration,
    pub interval: Duration,
    pub retry_rate: u32,
}

impl AsRef<Common> for Settings {
    fn as_ref(&self) -> &Common {
        &self.common
    }
}

impl Settings {
    /// `source` collects the errors.
    pub fn read(source: &mut Source) -> Self {
        let common = Common::read(source, "127.0.0.1:8001", "127.0.0.1:9101");
        let streams = StreamSettings::read(source, common.http_bind);
        common.production.check_redis(source, &streams.url);
        let tokens = TokenSettings::read(source);
        common.production.check_http(source, "jwks-url", &tokens.jwks_url);
        let products = ProductSourceSettings::read(source);
        common.production.check_http(source, "inventory-url", &products.inventory_url);
        common.production.check_http(source, "token-url", &products.token_url);
        common.production.check_secret(source, "client-secret", Some(products.client_secret.expose()));
        Self {
            common,
            streams,
            tokens,
            products,
            provider: ProviderSettings::read(source),
            reconciler: ReconcilerSettings::read(source),
            // A quarter of a second of work for one core. The cashier keeps 10,000 waiting orders; the
            // reconciler finds the rest in the database.
            charge_backlog: source.within(
                "charge-backlog",
                "1000",
                1..=1_000_000,
                "orders being charged or waiting for it, beyond which new ones get 503; \
                 above 10000 plus provider-in-flight it refuses none",
            ),
            orders_per_user: orders_per_user(source),
            waits_per_user: source.within(
                "waits-per-user",
                "100",
                1..=1_000_000,
                "answers that one user waits for at a time, in each instance; any further wait gets 429",
            ),
            // Half of `connection-limit`: the other half stays for requests that are answered at once.
            waits: source.within(
                "wait-limit",
                "2048",
                1..=1_000_000,
                "answers that all users together wait for at a time, in each instance; any further wait gets 503",
            ),
            event_heartbeat: event_heartbeat(source),
            compare_interval: compare_interval(source),
            // The same as `product-view-age` of inventory.
            price_age: source.value("price-age", "1s", "how long a price is reused for other orders"),
            // Fifty times the duration on an idle machine, and acceptable for a waiting customer.
            late_after: source.value(
                "late-after",
                "1s",
                "throttle new orders when even the fastest take longer than this from payment to their final state",
            ),
        }
    }
}

/// A quarter of the minute after which the shipped proxy ends a silent connection. A revoked token ends a stream at
/// the next one, and everywhere within a minute: after `jwks-interval` and 30 s.
fn event_heartbeat(source: &mut Source) -> Duration {
    let heartbeat = source.value(
        "event-heartbeat",
        "15s",
        "time between two comments of a stream of events in which nothing happens",
    );
    let allowed = Duration::from_secs(1)..=Duration::from_secs(30);
    source.check("event-heartbeat", allowed.contains(&heartbeat), "must be between 1s and 30s");
    heartbeat
}

/// No longer than a customer looks at a price. A look without news is one small request.
fn compare_interval(source: &mut Source) -> Duration {
    let interval = source.value(
        "catalogue-compare-interval",
        "1s",
        "time between two looks for changed products at inventory: how long an old price is charged at most",
    );
    let shortest = Duration::from_millis(100);
    source.check("catalogue-compare-interval", interval >= shortest, "must be at least 100ms");
    interval
}

/// No person orders once a second; a shop that orders for its customers does, and has room in a burst.
fn orders_per_user(source: &mut Source) -> Policy {
    let rate = source.within(
        "orders-per-user",
        "50",
        1..=1_000_000,
        "orders of one user a second, in each instance; any further one gets 429",
    );
    let burst = source.within(
        "orders-burst",
        "500",
        1..=1_000_000,
        "orders of one user at once, if there were none before",
    );
    Policy::a_second("orders", rate, burst)
}

impl ProductSourceSettings {
    fn read(source: &mut Source) -> Self {
        Self {
            inventory_url: source.value(
                "inventory-url",
                "http://127.0.0.1:8000",
                "URL of inventory, for products that the catalogue copy lacks",
            ),
            token_url: source.value(
                "token-url",
                "http://127.0.0.1:8002/oauth/token",
                "OAuth token endpoint, for tokens of this service with the scope products:read",
            ),
            client_id: source.value("client-id", "payment", "OAuth client id of this service"),
            client_secret: source.required(
                "client-secret",
                "at-least-32-characters-all-random",
                "OAuth client secret of this service",
            ),
        }
    }
}

impl ProviderSettings {
    fn read(source: &mut Source) -> Self {
        let settings = Self {
            latency: source.value("provider-latency", "5ms", "response time of the simulated provider"),
            timeout: source.value("provider-timeout", "2s", "maximum wait for one response of the provider"),
            // As many as `charge-backlog` admits. At 9,900 orders a second 370 to 790 are in progress.
            in_flight: source.within(
                "provider-in-flight",
                "1000",
                1..=100_000,
                "charges in progress at a time",
            ),
        };
        source.check(
            "provider-timeout",
            settings.timeout > settings.latency,
            "must be longer than provider-latency",
        );
        settings
    }
}

impl ReconcilerSettings {
    fn read(source: &mut Source) -> Self {
        Self {
            after: source.value("reconcile-after", "5s", "age at which a pending order is charged again"),
            interval: source.value(
                "reconcile-interval",
                "1s",
                "time between two sweeps for orders that stay pending",
            ),
            // A hundredth of the charges at full load, to spare a provider that recovers.
            retry_rate: source.within(
                "provider-retry-rate",
                "100",
                1..=100_000,
                "retried charges and refunds per second",
            ),
        }
    }
}
