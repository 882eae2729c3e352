use std::collections::BTreeMap;

use ctl::stack::Kind;
use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Client, HttpResponse, SOON,
    client::{BUSY, patiently, send},
    eventually,
};

pub fn key() -> String {
    Uuid::now_v7().to_string()
}

#[derive(Debug, Clone)]
pub struct Order(Value);

impl Order {
    pub fn of(sku: &str, quantity: u32) -> Self {
        Self::lines(&[(sku, quantity)])
    }

    pub fn lines(lines: &[(&str, u32)]) -> Self {
        let items: Vec<Value> =
            lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect();
        Self(json!({"items": items}))
    }

    pub fn paid_by(mut self, method: &str) -> Self {
        self.0["payment_method"] = method.into();
        self
    }

    /// In cents of EUR.
    pub fn expecting(mut self, total: i64) -> Self {
        self.0["expected_total"] = json!({"amount": total, "currency": "EUR"});
        self
    }
}

impl Client {
    /// Asks again while inventory does not tell payment of a product.
    pub async fn order_with(&self, order: &Order, headers: &[(&str, &str)]) -> HttpResponse {
        let ask = async || send(self.order_request(order, headers)).await.expect("an answer");
        patiently(&["catalogue-unavailable"], ask).await
    }

    /// Returns the id.
    pub async fn order(&self, order: &Order) -> String {
        let key = key();
        let answer =
            patiently(&BUSY, async || self.order_with(order, &[("Idempotency-Key", &key)]).await).await;
        let placed = answer.expect(202);
        let id = placed["id"].as_str().expect("an id").to_owned();
        assert_eq!(answer.header("location"), format!("/orders/{id}"));
        id
    }

    /// Retries under the same key after refusals and broken connections.
    pub async fn place_until_accepted(&self, order: &Order) -> String {
        let key = key();
        let attempt = async || match send(self.order_request(order, &[("Idempotency-Key", &key)])).await {
            Ok(answer) if answer.status == 503 => Err(answer.text()),
            Ok(answer) => Ok(answer.expect(202)["id"].as_str().expect("an id").to_owned()),
            Err(error) => Err(error.to_string()),
        };
        eventually("the order is accepted", SOON, attempt).await
    }

    /// Places `count` orders, 32 at a time, and calls `placed` after each.
    pub async fn place_many_until_accepted(
        &self,
        order: &Order,
        count: usize,
        placed: impl Fn(),
    ) -> Vec<String> {
        let one = |_| async {
            let id = self.place_until_accepted(order).await;
            placed();
            id
        };
        stream::iter(0..count).map(one).buffer_unordered(32).collect().await
    }

    pub async fn show(&self, id: &str) -> Value {
        self.get(Kind::Payment, &format!("/orders/{id}")).await.expect(200)
    }

    pub async fn wait_for_end(&self, id: &str) -> Value {
        let look = async || {
            let order = self.show(id).await;
            if is_final(&order) { Ok(order) } else { Err(order) }
        };
        eventually("the order has ended", SOON, look).await
    }

    /// Returns the counts by status.
    pub async fn wait_for_all_ends(&self, count: usize) -> BTreeMap<String, usize> {
        let look = async || {
            let orders = self.all(Kind::Payment, "/orders", 100).await;
            let mut ends = BTreeMap::new();
            for order in &orders {
                *ends.entry(order["status"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
            if orders.len() == count && orders.iter().all(is_final) { Ok(ends) } else { Err(ends) }
        };
        eventually("all orders have ended", 2 * SOON, look).await
    }

    pub async fn timeline(&self, id: &str) -> Vec<Value> {
        let timeline = self.get(Kind::Payment, &format!("/orders/{id}/timeline")).await.expect(200);
        timeline["data"].as_array().expect("data").clone()
    }

    fn order_request(&self, order: &Order, headers: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let request = self.request(Method::POST, Kind::Payment, "/orders").json(&order.0);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }
}

fn is_final(order: &Value) -> bool {
    matches!(order["status"].as_str(), Some("confirmed" | "refunded" | "declined"))
}
