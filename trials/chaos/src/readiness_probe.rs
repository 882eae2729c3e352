//! I14, sampled: an instance must be unready while its database takes no writes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use reqwest::Client;

use super::arena::Arena;
use super::direct::Database;
use super::profile::UNOPTIMISED;
use ctl::stack::{Kind, Service, ServiceId};
use ctl::verify::Sources;

/// 5 s, and one more for the two polls.
const NOTICED_WITHIN: Duration = Duration::from_secs(6).saturating_add(UNOPTIMISED);
/// A slower response does not count as ready.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

pub struct ReadinessProbe {
    http: Client,
    instances: Vec<(ServiceId, String)>,
    /// Since the first refusal of a write.
    refusing: BTreeMap<Kind, Instant>,
    probes: u64,
}

impl ReadinessProbe {
    /// Instances keep their addresses over a restart.
    #[must_use]
    pub fn new(arena: &Arena) -> Self {
        let instances =
            arena.stack.services().map(|service: &Service| (service.id(), service.url())).collect();
        Self { http: arena.http.clone(), instances, refusing: BTreeMap::new(), probes: 0 }
    }

    #[must_use]
    pub fn probes(&self) -> u64 {
        self.probes
    }

    pub async fn probe(&mut self, sources: &Sources) -> BTreeSet<String> {
        for kind in Kind::ALL {
            match database(sources, kind).takes_writes().await {
                Ok(()) => _ = self.refusing.remove(&kind),
                Err(_) => _ = self.refusing.entry(kind).or_insert_with(Instant::now),
            }
        }
        let mut breaches = BTreeSet::new();
        for (id, url) in &self.instances {
            let Some(since) = self.refusing.get(&id.kind) else { continue };
            let status = self
                .http
                .get(format!("{url}/readyz"))
                .timeout(ANSWER_WITHIN)
                .send()
                .await
                .ok()
                .map(|answer| answer.status().as_u16());
            self.probes += 1;
            if is_breach(since.elapsed(), status) {
                breaches.insert(format!("{id} was ready although its database took no writes for over 5 s"));
            }
        }
        breaches
    }
}

fn database(sources: &Sources, kind: Kind) -> Database {
    Database::at(match kind {
        Kind::User => sources.user_database.clone(),
        Kind::Inventory => sources.inventory_database.clone(),
        Kind::Payment => sources.payment_database.clone(),
    })
}

/// `status` of `/readyz`; `None` for a failed connection.
fn is_breach(refusing_for: Duration, status: Option<u16>) -> bool {
    refusing_for > NOTICED_WITHIN && status == Some(200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_without_a_database_is_a_breach_after_some_seconds() {
        let seconds = Duration::from_secs;
        let late = NOTICED_WITHIN + seconds(1);
        assert!(is_breach(late, Some(200)));
        assert!(!is_breach(seconds(4), Some(200)), "the deadline has not passed");
        assert!(!is_breach(late, Some(503)) && !is_breach(late, None));
    }
}
