//! The settings of this service.

use std::time::Duration;

use runtime::{
    auth::TokenSettings,
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
    /// Orders being charged or waiting for it, beyond which new ones are refused.
    pub charge_backlog: u32,
    /// Time between two comparisons of the catalogue copy with inventory's.
    pub compare_interval: Duration,
    /// How long a price that was looked up is used again.
    pub price_age: Duration,
    /// When even the youngest orders come to their end longer than this after they were paid, fewer are
    /// taken.
    pub late_after: Duration,
}

/// Where a product is asked for that the copy of the catalogue does not have.
#[derive(Debug, Clone)]
pub struct ProductSourceSettings {
    pub inventory_url: HttpUrl,
    pub service_token_url: HttpUrl,
    pub client_id: String,
    pub client_secret: Secret,
}

/// The simulated payment provider, and how long the cashier waits for it.
#[derive(Debug, Clone, Copy)]
pub struct ProviderSettings {
    /// How long the simulator takes to answer.
    pub latency: Duration,
    /// How long the cashier waits for one answer.
    pub timeout: Duration,
    /// Charges in progress at one time; further orders wait.
    pub in_flight: usize,
}

/// What stays open too long.
#[derive(Debug, Clone, Copy)]
pub struct ReconcilerSettings {
    /// An order that is still pending after this time is charged again (the provider is idempotent by order
    /// id).
    pub after: Duration,
    /// Time between two looks.
    pub interval: Duration,
    /// Charges and refunds the provider is asked for again, per second.
    pub retry_rate: u32,
}

impl AsRef<Common> for Settings {
    fn as_ref(&self) -> &Common {
        &self.common
    }
}

impl Settings {
    /// Reads all settings of the service; errors are collected in `source`.
    pub fn read(source: &mut Source) -> Self {
        let common = Common::read(source, "127.0.0.1:8001", "127.0.0.1:9101");
        let streams = StreamSettings::read(source, common.http_bind);
        common.production.check_redis(source, &streams.url);
        let tokens = TokenSettings::read(source);
        let products = ProductSourceSettings::read(source);
        common.production.check_secret(
            source,
            "service-client-secret",
            Some(products.client_secret.expose()),
        );
        Self {
            common,
            streams,
            tokens,
            products,
            provider: ProviderSettings::read(source),
            reconciler: ReconcilerSettings::read(source),
            // A quarter of a second of work for one core. The cashier itself remembers 10,000 that wait: with
            // more than that and those in progress none is refused, and the reconciler finds the rest in the
            // database.
            charge_backlog: source.within(
                "charge-backlog",
                "1000",
                1..=1_000_000,
                "orders being charged or waiting for it, beyond which new ones get 503; with more than 10000 and provider-in-flight none is refused",
            ),
            // Half of the two minutes within which a change that was lost must be found.
            compare_interval: source.value(
                "catalogue-compare-interval",
                "60s",
                "time between two comparisons of the catalogue copy with inventory's, for changes that were lost",
            ),
            // As `product-view-age` of inventory.
            price_age: source.value("price-age", "1s", "how long a price that was looked up is used for other orders"),
            // Fifty times what an order takes on an idle machine, and still an answer for somebody who waits.
            late_after: source.value(
                "late-after",
                "1s",
                "when all orders come to their end later than this after they were paid, no more are taken than come to it",
            ),
        }
    }
}

impl ProductSourceSettings {
    fn read(source: &mut Source) -> Self {
        Self {
            inventory_url: source.value(
                "inventory-url",
                "http://127.0.0.1:8000",
                "where products are asked for that the catalogue copy lacks",
            ),
            service_token_url: source.value(
                "service-token-url",
                "http://127.0.0.1:8002/auth/service-token",
                "where this service gets its own token",
            ),
            client_id: source.value(
                "service-client-id",
                "payment",
                "name of this service at the user service",
            ),
            client_secret: source.required(
                "service-client-secret",
                "at-least-16-characters",
                "secret of this service at the user service",
            ),
        }
    }
}

impl ProviderSettings {
    fn read(source: &mut Source) -> Self {
        let settings = Self {
            latency: source.value(
                "provider-latency",
                "5ms",
                "how long the simulated provider takes to answer",
            ),
            timeout: source.value(
                "provider-timeout",
                "2s",
                "how long to wait for one answer of the provider",
            ),
            // As many as `charge-backlog` admits. A charge takes the provider's 5 ms and two commits, 40 ms
            // under load: at 9,900 orders a second 370 to 400 are in progress in the mean, but they begin and
            // end by the batch, and up to 790 are at once.
            in_flight: source.within(
                "provider-in-flight",
                "1000",
                1..=100_000,
                "charges in progress at one time",
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
            after: source.value(
                "reconcile-after",
                "5s",
                "an order still pending after this time is charged again",
            ),
            interval: source.value(
                "reconcile-interval",
                "1s",
                "time between two looks for orders that stayed pending",
            ),
            // A hundredth of what is charged at full load: a provider that comes back is not hit by all that
            // waited.
            retry_rate: source.within(
                "provider-retry-rate",
                "100",
                1..=100_000,
                "charges and refunds asked for again, per second",
            ),
        }
    }
}
