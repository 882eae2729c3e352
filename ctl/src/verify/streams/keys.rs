use std::collections::BTreeSet;

use events::ROUTES;
use redis::{RedisError, aio::MultiplexedConnection};

/// Keys of one SCAN.
const PAGE: usize = 1000;

/// Known streams, and their dead letters, existing or not.
#[derive(Debug, Default)]
pub struct Keys {
    pub(super) streams: Vec<(String, &'static str)>,
    pub(super) dead: BTreeSet<String>,
}

impl Keys {
    pub async fn find(redis: &mut MultiplexedConnection) -> Result<Self, RedisError> {
        let mut cursor = 0_u64;
        let mut found = BTreeSet::new();
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("COUNT").arg(PAGE).arg("TYPE").arg("stream");
            let (next, keys): (u64, Vec<String>) = scan.query_async(redis).await?;
            found.extend(keys);
            if next == 0 {
                return Ok(Self::sort(found));
            }
            cursor = next;
        }
    }

    fn sort(found: BTreeSet<String>) -> Self {
        // Missing keys are included: a first dead letter may come between this search and the reading.
        let dead = ROUTES.iter().map(|route| format!("{}.dead", route.stream)).collect();
        let mut keys = Self { dead, ..Self::default() };
        for key in found {
            if key.ends_with(".dead") {
                keys.dead.insert(key);
            } else if let Some(route) = ROUTES.iter().find(|route| is_partition_of(&key, route.stream)) {
                keys.streams.push((key, route.group));
            }
        }
        keys
    }

    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        let there = |stream: &str| self.streams.iter().any(|(key, _)| is_partition_of(key, stream));
        ROUTES.iter().map(|route| route.stream).filter(move |stream| !there(stream))
    }
}

/// `order_completed`, `order_completed.0`.
fn is_partition_of(key: &str, stream: &str) -> bool {
    let Some(rest) = key.strip_prefix(stream) else { return false };
    rest.is_empty()
        || rest
            .strip_prefix('.')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_found_with_and_without_partitions() {
        for (key, is) in [
            ("order_completed", true),
            ("order_completed.12", true),
            ("order_completed.", false),
            ("order_completed.x", false),
        ] {
            assert_eq!(is_partition_of(key, "order_completed"), is, "{key}");
        }
        let keys = Keys::sort(
            ["order_completed.0", "order_completed.dead", "refund_order", "other"].map(str::to_owned).into(),
        );
        assert_eq!(keys.streams.len(), 2);
        assert!(keys.missing().all(|stream| !["order_completed", "refund_order"].contains(&stream)));
        assert_eq!(keys.missing().count(), ROUTES.len() - 2);
    }

    #[test]
    fn dead_letters_are_looked_for_also_where_there_are_none_yet() {
        let keys = Keys::sort(["stock_reserved", "another.dead"].map(str::to_owned).into());
        assert!(
            ["stock_reserved.dead", "order_completed.dead", "another.dead"]
                .iter()
                .all(|key| keys.dead.contains(*key))
        );
    }
}
