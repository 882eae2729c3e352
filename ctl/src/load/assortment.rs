//! The n-th order of a seed is always the same.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

use super::call::call;
use super::{LoadError, Mix};

/// More than any load takes.
const PLENTIFUL_STOCK: u32 = 1_000_000;
const SCARCE_STOCK: u32 = 3;
const MAX_QUANTITY: u32 = 3;
const MAX_LINES: usize = 4;
const ODD_METHODS: [&str; 4] = ["tok_declined", "tok_insufficient_funds", "tok_timeout", "tok_flaky"];
/// 2^64 over the golden ratio: neighbouring orders get distant seeds.
const SEED_STRIDE: u64 = 0x9E37_79B9_7F4A_7C15;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assortment {
    pub spread: Vec<String>,
    /// The hot product: ordered often, one piece at a time.
    pub hot: String,
    /// The scarce product: three in stock, ordered one piece at a time.
    pub scarce: String,
}

impl Assortment {
    /// Unique to this run.
    pub(super) fn new(products: usize) -> Self {
        let run = format!("LOAD-{:08X}", rand::random::<u32>());
        Self {
            spread: (1..=products).map(|number| format!("{run}-{number:04}")).collect(),
            hot: format!("{run}-HOT"),
            scarce: format!("{run}-SCARCE"),
        }
    }

    /// `admin`: an access token.
    pub(super) async fn create(
        &self,
        http: &reqwest::Client,
        inventory: &str,
        admin: &str,
        hot_stock: u32,
    ) -> Result<(), LoadError> {
        let spread = self.spread.iter().map(|sku| (sku, PLENTIFUL_STOCK));
        for (sku, stock) in spread.chain([(&self.hot, hot_stock), (&self.scarce, SCARCE_STOCK)]) {
            let url = format!("{}/products", inventory.trim_end_matches('/'));
            let product = json!({"sku": sku, "name": sku, "price": {"amount": 1000, "currency": "EUR"}, "stock": stock});
            let answer =
                call(http.request(Method::POST, url).bearer_auth(admin).json(&product), Duration::ZERO).await;
            match answer.outcome {
                Ok(answer) if answer.status == 201 => {}
                other => {
                    return Err(LoadError::NotCreated {
                        sku: sku.clone(),
                        why: super::call::failure_reason(&other),
                    });
                }
            }
        }
        Ok(())
    }

    pub(super) fn order(&self, mix: &Mix, seed: u64, number: u64) -> Value {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(number.wrapping_mul(SEED_STRIDE)));
        let items = self.lines(mix, &mut rng);
        json!({"items": items, "payment_method": method(mix, &mut rng)})
    }

    fn lines(&self, mix: &Mix, rng: &mut StdRng) -> Vec<Value> {
        let kind: f64 = rng.random();
        let wanted = if rng.random_bool(mix.several_lines) { rng.random_range(2..=MAX_LINES) } else { 1 };
        let mut lines = Vec::with_capacity(wanted);
        if kind < mix.hot {
            lines.push(line(&self.hot, 1));
        } else if kind < mix.hot + mix.scarce {
            lines.push(line(&self.scarce, 1));
        }
        let rest = (wanted - lines.len()).min(self.spread.len());
        for index in rand::seq::index::sample(rng, self.spread.len(), rest) {
            lines.push(line(&self.spread[index], rng.random_range(1..=MAX_QUANTITY)));
        }
        lines
    }
}

fn line(sku: &str, quantity: u32) -> Value {
    json!({"sku": sku, "quantity": quantity})
}

fn method(mix: &Mix, rng: &mut StdRng) -> &'static str {
    let drawn: f64 = rng.random();
    let odd =
        ODD_METHODS.iter().enumerate().find(|(index, _)| drawn < mix.odd_methods * (*index as f64 + 1.0));
    odd.map_or("tok_ok", |(_, method)| method)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix() -> Mix {
        Mix {
            customers: 1,
            products: 10,
            hot: 0.3,
            hot_stock: 1,
            scarce: 0.1,
            several_lines: 0.5,
            odd_methods: 0.05,
        }
    }

    fn orders(seed: u64) -> Vec<Value> {
        let name = |sku: &str| sku.to_owned();
        let stock = Assortment {
            spread: (0..10).map(|n| format!("S{n}")).collect(),
            hot: name("HOT"),
            scarce: name("SCARCE"),
        };
        (0..1000).map(|number| stock.order(&mix(), seed, number)).collect()
    }

    #[test]
    fn a_seed_always_gives_the_same_orders_and_another_seed_others() {
        assert_eq!(orders(7), orders(7));
        assert_ne!(orders(7), orders(8));
    }

    #[test]
    fn the_shares_are_what_was_asked_for() {
        let orders = orders(7);
        let share =
            |is: &dyn Fn(&Value) -> bool| orders.iter().filter(|order| is(order)).count() as f64 / 1000.0;
        let first = |sku: &'static str| move |order: &Value| order["items"][0]["sku"] == sku;
        // 5 standard deviations of 1,000 draws are at most 0.08.
        assert!((share(&first("HOT")) - 0.3).abs() < 0.08);
        assert!((share(&first("SCARCE")) - 0.1).abs() < 0.08);
        assert!(
            (share(&|order| order["items"].as_array().is_some_and(|items| items.len() > 1)) - 0.5).abs()
                < 0.08
        );
        assert!((share(&|order| order["payment_method"] != "tok_ok") - 0.2).abs() < 0.08);
    }

    #[test]
    fn no_order_names_a_product_twice_or_is_empty() {
        for order in orders(7) {
            let items = order["items"].as_array().expect("items");
            let mut skus: Vec<&str> = items.iter().filter_map(|item| item["sku"].as_str()).collect();
            skus.sort_unstable();
            skus.dedup();
            assert!(!skus.is_empty() && skus.len() == items.len(), "{order}");
        }
    }
}
