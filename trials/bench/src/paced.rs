//! Orders in an open loop, each followed to its end by `GET /orders/{id}?wait=30`, as a checkout page does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::cores::{Cores, CpuTimer, quiet};
use super::orders::warm_up;
use super::plan::BenchPlan;
use super::site::{Site, products};
use super::wrk::Fixture;
use super::{BenchError, Figure, Measure, Reading};
use ctl::api::http_client;
use ctl::stack::Kind;

/// Orders a second, with the figures of p50 and p99.
const RATES: [(f64, Figure, Figure); 2] =
    [(100.0, Figure::End100P50, Figure::End100P99), (300.0, Figure::End300P50, Figure::End300P99)];

pub async fn latency(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let fixture = site.fixture(products()).await?;
    let mut figures = Vec::new();
    let mut notes = Vec::new();
    let mut cores = Cores::default();
    for (rate, p50, p99) in RATES {
        warm_up(site, plan, &fixture).await?;
        quiet(plan.patience).await;
        let timer = CpuTimer::begin(&site.process_groups());
        let taken = Paced::new(site, &fixture)?.run(rate, plan.time).await?;
        cores = timer.end(&site.process_groups());
        site.wait_until_ended().await?;
        figures.extend([(p50, percentile(&taken, 50)), (p99, percentile(&taken, 99))]);
        notes.push(format!("{} orders at {rate:.0}/s, p95 {:.1} ms", taken.len(), percentile(&taken, 95)));
    }
    Ok(Reading { notes, ..Reading::new(Measure::Latency, figures, cores) })
}

#[derive(Debug, Clone)]
struct Paced {
    http: reqwest::Client,
    payment: String,
    fixture: Arc<Fixture>,
}

impl Paced {
    fn new(site: &Site, fixture: &Fixture) -> Result<Self, BenchError> {
        let http = http_client().build().map_err(failed("set up an HTTP client"))?;
        Ok(Self { http, payment: site.url(Kind::Payment)?, fixture: Arc::new(fixture.clone()) })
    }

    /// Returns the latencies in milliseconds, ascending.
    async fn run(&self, rate: f64, time: Duration) -> Result<Vec<f64>, BenchError> {
        let mut orders = JoinSet::new();
        let mut due = interval(Duration::from_secs_f64(1.0 / rate));
        due.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let all = (rate * time.as_secs_f64()) as usize;
        for number in 0..all {
            due.tick().await;
            orders.spawn(self.clone().order(number));
        }
        let mut taken = Vec::with_capacity(all);
        while let Some(ended) = orders.join_next().await {
            let ended = ended.map_err(|error| BenchError::Io {
                what: "follow an order".to_owned(),
                source: std::io::Error::other(error),
            })?;
            taken.push(ended.map_err(failed("follow an order to its end"))?.as_secs_f64() * 1e3);
        }
        taken.sort_unstable_by(f64::total_cmp);
        Ok(taken)
    }

    async fn order(self, number: usize) -> reqwest::Result<Duration> {
        let Fixture { tokens, skus } = &*self.fixture;
        let token = &tokens[number % tokens.len()];
        let body = json!({"items": [{"sku": skus[number % skus.len()], "quantity": 1}]});
        let began = Instant::now();
        let url = format!("{}/orders", self.payment);
        let request = self
            .http
            .post(&url)
            .bearer_auth(token)
            .header("Idempotency-Key", Uuid::new_v4().to_string())
            .json(&body);
        let mut order = ask(request).await?;
        while !is_terminal(&order) {
            let url = format!("{url}/{}?wait=30", order["id"].as_str().unwrap_or_default());
            order = ask(self.http.get(url).bearer_auth(token)).await?;
        }
        Ok(began.elapsed())
    }
}

/// Repeats a request whose connection was closed under it. The server closes a connection after 5 s without a
/// request.
async fn ask(request: RequestBuilder) -> reqwest::Result<Value> {
    let again = request.try_clone();
    let answer = match (request.send().await, again) {
        (Err(error), Some(again)) if error.is_request() => again.send().await,
        (answer, _) => answer,
    };
    answer?.error_for_status()?.json().await
}

fn is_terminal(order: &Value) -> bool {
    matches!(order["status"].as_str(), Some("confirmed" | "refunded" | "declined"))
}

fn failed(what: &'static str) -> impl FnOnce(reqwest::Error) -> BenchError {
    move |error| BenchError::Io { what: what.to_owned(), source: std::io::Error::other(error) }
}

/// Expects sorted values; 0 of an empty slice.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let reached = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(reached - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!([50, 99, 100].map(|percent| percentile(&values, percent)), [100.0, 198.0, 200.0]);
        assert_eq!((percentile(&[7.0], 99), percentile(&[], 50)), (7.0, 0.0));
    }
}
