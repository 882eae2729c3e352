use std::time::Duration;

use runtime::{auth::TokenSettings, process::Common, settings::Source, stream::StreamSettings};

#[derive(Debug, Clone)]
pub struct Settings {
    pub common: Common,
    pub streams: StreamSettings,
    pub tokens: TokenSettings,
    /// About 1 KiB each. The least recently used are dropped.
    pub live_products: usize,
    /// Instances miss each other's sales, so decisions reload the stock before they refuse an order.
    pub product_view_age: Duration,
    pub public_catalogue: bool,
}

impl AsRef<Common> for Settings {
    fn as_ref(&self) -> &Common {
        &self.common
    }
}

impl Settings {
    pub fn read(source: &mut Source) -> Self {
        let common = Common::read(source, "127.0.0.1:8000", "127.0.0.1:9100");
        let streams = StreamSettings::read(source, common.http_bind);
        common.production.check_redis(source, &streams.url);
        let tokens = TokenSettings::read(source);
        common.production.check_http(source, "jwks-url", &tokens.jwks_url);
        Self {
            common,
            streams,
            tokens,
            live_products: source.within("live-products", "10000", 1..=10_000_000, "products kept in memory"),
            product_view_age: source.value(
                "product-view-age",
                "1s",
                "maximum age of a product shown from memory",
            ),
            public_catalogue: source.value(
                "public-catalogue",
                "off",
                "show products to who sends no token: GET /products and /products/{sku}",
            ),
        }
    }
}
