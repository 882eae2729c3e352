use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Call, Service};

/// The failpoints of a process, for rehearsals.
#[derive(Debug, Clone, Deserialize)]
pub struct Faults {
    pub failpoints: Vec<Passed>,
    pub armed: Vec<Armed>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Passed {
    pub name: String,
    pub times: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Armed {
    pub name: String,
    pub nth: u32,
    pub action: String,
}

pub fn show(service: Service, instance: usize) -> Call<Faults> {
    Call::get(service, ["ops", "faults"]).at(instance)
}

/// The consumer of `stream` panics while it holds its next batch.
pub fn panic_consumer(service: Service, instance: usize, stream: &str) -> Call<()> {
    Call::post(service, ["ops", "faults"], json!({"panic": "consumer", "stream": stream})).at(instance)
}

/// The streams that the service publishes to are gone, as in a Redis that lost its data.
pub fn lose_streams(service: Service) -> Call<()> {
    Call::post(service, ["ops", "faults"], json!({"lose": "streams"}))
}

/// The process dies, panics or stops when it next passes `failpoint`.
pub fn arm(service: Service, instance: usize, failpoint: &str, action: &str) -> Call<()> {
    let body = json!({"failpoint": failpoint, "nth": 1, "action": action});
    Call::post(service, ["ops", "faults"], body).at(instance)
}

pub fn disarm(service: Service, instance: usize) -> Call<()> {
    Call::new(Method::DELETE, service, ["ops", "faults"]).at(instance)
}
