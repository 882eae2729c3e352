//! The inventory service as the source of products, read with a SERVICE token.

use std::time::{Duration, Instant};

use events::Origin;
use form_urlencoded::byte_serialize;
use reqwest::header::CONTENT_TYPE;
use runtime::{telemetry::call, tls::http_client};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::Mutex;

use crate::{
    domain::{Money, Product},
    settings::ProductSourceSettings,
};

/// Less than the deadline of the waiting request (5 s), token included.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Less than the 5 s after which inventory closes an idle connection.
const IDLE_AT_MOST: Duration = Duration::from_secs(3);
/// Inventory's maximum.
const PAGE: u32 = 500;
/// A token is renewed this long before it expires, or after half of its life.
const MARGIN: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{what} does not answer: {error}")]
    Unreachable { what: &'static str, error: reqwest::Error },
    #[error("{what} answered {status}")]
    Refused { what: &'static str, status: u16 },
}

pub struct ProductSource {
    settings: ProductSourceSettings,
    client: reqwest::Client,
    token: Mutex<Option<(String, Instant)>>,
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    /// Seconds.
    expires_in: u64,
}

#[derive(Deserialize)]
struct ProductBody {
    sku: String,
    name: String,
    price: Money,
    version: i64,
    #[serde(default)]
    deleted: bool,
}

impl From<ProductBody> for Product {
    fn from(ProductBody { sku, name, price, version, deleted }: ProductBody) -> Self {
        Self { sku, name, price, version, deleted }
    }
}

#[derive(Deserialize)]
struct ProductsBody {
    data: Vec<ProductBody>,
}

#[derive(Deserialize)]
struct ChangesBody {
    data: Vec<ChangeBody>,
    next: i64,
}

#[derive(Deserialize)]
struct ChangeBody {
    change: i64,
    #[serde(flatten)]
    product: ProductBody,
}

/// Current products, in the order of their last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    pub changes: Vec<Change>,
    /// No change up to this number can appear any more.
    pub next: i64,
    /// Further changes may follow.
    pub is_full: bool,
}

/// A product after its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Rises with every change of any product.
    pub number: i64,
    pub product: Product,
}

impl ProductSource {
    pub fn new(settings: ProductSourceSettings) -> Result<Self, reqwest::Error> {
        let client = http_client().timeout(TIMEOUT).pool_idle_timeout(IDLE_AT_MOST).build()?;
        Ok(Self { settings, client, token: Mutex::new(None) })
    }

    /// `skus`: at most 50, the lines of an order. `origin`: the request that needs them.
    pub async fn find_all(&self, skus: &[String], origin: &Origin) -> Result<Vec<Product>, SourceError> {
        // SKUs need no escaping.
        let query = format!("?sku={}", skus.join(","));
        let ProductsBody { data } = self.get("/products", &query, origin).await?;
        Ok(data.into_iter().map(Product::from).collect())
    }

    /// The products changed after the change `after`, as many as fit on a page.
    pub async fn changes(&self, after: i64) -> Result<Changes, SourceError> {
        let query = format!("?after={after}&limit={PAGE}");
        let ChangesBody { data, next } = self.get("/products/changes", &query, &Origin::root()).await?;
        let is_full = data.len() >= PAGE as usize;
        let change =
            |ChangeBody { change, product }| Change { number: change, product: Product::from(product) };
        Ok(Changes { changes: data.into_iter().map(change).collect(), next, is_full })
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        origin: &Origin,
    ) -> Result<T, SourceError> {
        let token = self.token(origin).await?;
        let url = format!("{}{path}{query}", self.settings.inventory_url.as_str());
        let unreachable = |error| SourceError::Unreachable { what: "inventory", error };
        let request = self.client.get(url).bearer_auth(token);
        let response = call(request, origin).await.map_err(unreachable)?;
        match response.status().as_u16() {
            200 => response.json().await.map_err(unreachable),
            status => {
                // Without access the token may be the reason. `user` limits requests for another one.
                if matches!(status, 401 | 403) {
                    *self.token.lock().await = None;
                }
                Err(SourceError::Refused { what: "inventory", status })
            }
        }
    }

    async fn token(&self, origin: &Origin) -> Result<String, SourceError> {
        let mut known = self.token.lock().await;
        if let Some((token, _)) = known.as_ref().filter(|(_, until)| *until > Instant::now()) {
            return Ok(token.clone());
        }
        let TokenBody { access_token, expires_in } = self.fetch_token(origin).await?;
        let life = Duration::from_secs(expires_in);
        let until = Instant::now() + (life - MARGIN.min(life / 2));
        *known = Some((access_token.clone(), until));
        Ok(access_token)
    }

    async fn fetch_token(&self, origin: &Origin) -> Result<TokenBody, SourceError> {
        let unreachable = |error| SourceError::Unreachable { what: "the user service", error };
        // RFC 6749, 2.3.1: both are encoded as in a form.
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let settings = &self.settings;
        let request = self
            .client
            .post(settings.token_url.as_str())
            .basic_auth(encoded(&settings.client_id), Some(encoded(settings.client_secret.expose())))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials&scope=products%3Aread");
        let response = call(request, origin).await.map_err(unreachable)?;
        match response.status().as_u16() {
            200 => response.json().await.map_err(unreachable),
            status => Err(SourceError::Refused { what: "the user service", status }),
        }
    }
}
