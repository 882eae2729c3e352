//! F14: the same order fifty times at once makes one order and one response.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Caller, RequestError};
use ctl::client_log::Completion;

const AT_ONCE: usize = 50;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OneKey {
    /// Requests by their last status.
    pub statuses: BTreeMap<u16, u32>,
    /// Orders in the 2xx.
    pub orders: BTreeSet<Uuid>,
    pub bodies_2xx: BTreeSet<String>,
}

impl OneKey {
    /// One order, one body, and only 2xx and 409.
    #[must_use]
    pub fn is_one_order(&self) -> bool {
        let known = self.statuses.keys().all(|status| (200..300).contains(status) || *status == 409);
        known && self.orders.len() == 1 && self.bodies_2xx.len() == 1
    }
}

/// Retries requests with an unknown outcome.
pub async fn one_key_fifty_times(
    caller: &Caller,
    payment: &[String],
    body: &Value,
    key: &str,
) -> Result<OneKey, RequestError> {
    let answers =
        try_join_all((0..AT_ONCE).map(|number| caller.until_known(payment, number, key, body, true))).await?;
    let mut found = OneKey::default();
    for answer in answers {
        *found.statuses.entry(answer.status.map_or(0, |status| status.as_u16())).or_default() += 1;
        found.orders.extend(answer.order());
        if answer.outcome() == Completion::Ok {
            found.bodies_2xx.insert(answer.text);
        }
    }
    Ok(found)
}
