//! F28: many partitions, two instances, slow commits. A live consumer keeps its entries.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::sleep;

use super::injected::InjectedFault;
use crate::ChaosError;
use crate::arena::Arena;
use crate::products::{PLENTY, one};
use crate::schedule::PlannedFault;
use ctl::api::Stream;
use ctl::instance::InstanceError;
use ctl::stack::{Kind, Service};
use ctl::wait;

/// Several batches of each partition.
const BURST: usize = 4000;
/// Without the progress that consumers show, each entry was handled three times.
const PAUSED: u64 = if cfg!(debug_assertions) { BURST as u64 / 4 } else { 0 };
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(60);
const DRAINED_WITHIN: Duration = Duration::from_secs(180);
/// A share of the statement timeout. Repeated waits exceed the claim idle time.
const SLOW_BY: f64 = 0.6;
const BREATH: Duration = Duration::from_millis(100);
const OPEN: &str = "SELECT count(*) FROM orders WHERE status IN ('pending', 'completed')";
const GROUP: &str = events::INVENTORY_GROUP;
const DUPLICATES: &str = "orderflow_inbox_duplicates_total";

pub async fn slow_commits(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let inventories = arena.ids(Kind::Inventory);
    for id in &inventories {
        arena.kill9(*id).await?;
    }
    let left = left_by_the_dead(arena).await?;
    burst(arena).await?;
    for id in &inventories {
        arena.stack.restart(*id).await?;
    }
    // The counters begin with the restart of the instances.
    tokio::select! {
        drained = drained(arena) => drained?,
        slow = slow_down(arena) => match slow? {},
    }
    let (claimed, doubled) = counted(arena).await?;
    let recovering = arena.begin_recovery(planned.limit());
    arena.measured.push(format!(
        "partitions: {BURST} orders at once, {claimed} entries claimed, {doubled} events handled twice"
    ));
    for (what, count) in
        [("entries were claimed from live consumers", claimed), ("events were handled twice", doubled)]
    {
        // Beside other tests a pause may exceed the claim idle time.
        let wrong =
            (count > left + PAUSED).then(|| format!("{count} {what}, {left} were left by killed ones"));
        arena.findings.extend(wrong.clone());
        arena.invariants.progress.note("partitions", wrong);
    }
    match partitions(arena).await?.len() {
        partitions @ 16.. => Ok(InjectedFault {
            evidence: format!("{BURST} orders over {partitions} streams, commits slowed"),
            recovering,
        }),
        few => Err(ChaosError::NotLanded(format!("there are {few} partitions"))),
    }
}

async fn partitions(arena: &Arena) -> Result<Vec<String>, ChaosError> {
    arena.redis()?.command(&["KEYS", "order_completed.*"]).await
}

/// The pending entries of the killed instances, which their successors claim.
async fn left_by_the_dead(arena: &Arena) -> Result<u64, ChaosError> {
    let redis = arena.redis()?;
    let mut left = 0;
    for key in partitions(arena).await? {
        left += redis
            .command::<(u64, redis::Value, redis::Value, redis::Value)>(&["XPENDING", &key, GROUP])
            .await?
            .0;
    }
    Ok(left)
}

/// Makes each instance read more than it can commit within the claim idle time.
async fn burst(arena: &Arena) -> Result<(), ChaosError> {
    let order = one(PLENTY);
    let placed = stream::iter(0..BURST)
        .map(|_| arena.buyer.place_until_accepted(&order, PATIENCE))
        .buffer_unordered(AT_ONCE);
    placed.try_for_each(|_| std::future::ready(Ok(()))).await
}

async fn drained(arena: &Arena) -> Result<(), ChaosError> {
    let payment = arena.database(Kind::Payment);
    Ok(wait::until("the burst is worked off", DRAINED_WITHIN, async || {
        match payment.number(OPEN, &[]).await {
            Ok(0) => Ok(()),
            Ok(open) => Err(format!("{open} orders are open")),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?)
}

/// Holds a lock that every commit needs, most of the time.
async fn slow_down(arena: &Arena) -> Result<Infallible, ChaosError> {
    let inventory = arena.database(Kind::Inventory);
    let hold = arena.profile.statement_timeout().mul_f64(SLOW_BY);
    loop {
        let lock = inventory.hold("LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE").await?;
        sleep(hold).await;
        lock.release().await?;
        sleep(BREATH).await;
    }
}

async fn counted(arena: &Arena) -> Result<(u64, u64), ChaosError> {
    let mut claimed = 0;
    let mut doubled = 0;
    for service in arena.stack.services().filter(|service| service.id().kind == Kind::Inventory) {
        let body = arena.admin.get(&service.url(), "/ops/streams").await?;
        let streams: Vec<Stream> = serde_json::from_value(body["streams"].clone()).unwrap_or_default();
        claimed += streams.iter().map(|stream| stream.reclaimed_total).sum::<u64>();
        doubled += metric(arena, service, DUPLICATES).await?;
    }
    Ok((claimed, doubled))
}

async fn metric(arena: &Arena, service: &Service, name: &str) -> Result<u64, ChaosError> {
    let url = format!("http://{}/metrics", service.metrics_addr());
    let silent =
        |error: reqwest::Error| InstanceError::NoResponse { what: url.clone(), why: error.to_string() };
    let text = arena.http.get(&url).send().await.map_err(silent)?.text().await.map_err(silent)?;
    Ok(sum(&text, name))
}

fn sum(text: &str, name: &str) -> u64 {
    let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let values = text.lines().filter(of_name).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    values.sum::<f64>() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_series_of_a_metric_are_added_up() {
        let text = "# TYPE a counter\na{consumer=\"x\"} 2\na{consumer=\"y\"} 3\nab 9\na 1\n";
        assert_eq!(sum(text, "a"), 6);
        assert_eq!(sum(text, "none"), 0);
    }
}
