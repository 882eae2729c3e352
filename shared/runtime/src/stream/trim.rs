//! Trims by time, because a limit on the length would cut a backlog. Foreign groups delay trimming for a
//! limited time: an abandoned one would fill Redis.

use redis::Script;

use super::{
    Broker, BrokerError, ConsumerSpec,
    groups::{groups, oldest_unacknowledged},
};

/// Dead after this many `claim-idle`: ten minutes by default, longer than a container restart.
const GONE_AFTER: u32 = 60;

pub(super) async fn trim(spec: &ConsumerSpec) -> Result<(), BrokerError> {
    let floor = floor(spec).await?;
    let mut command = redis::cmd("XTRIM");
    // LIMIT 0 lifts the default limit of 10,000 entries, fewer than arrive between two trims.
    command.arg(&spec.key).arg("MINID").arg("~").arg(floor).arg("LIMIT").arg(0);
    spec.broker.command::<u64>(command).await?;
    forget_gone(spec).await
}

/// Redis time in milliseconds.
async fn floor(spec: &ConsumerSpec) -> Result<u64, BrokerError> {
    let broker = &spec.broker;
    let settings = &spec.settings;
    let now = broker.now().await?;
    let is_crowded = length(broker, &spec.key).await? > settings.backlog;
    let all = groups(broker, &spec.key).await?;
    // A group destroyed just now still needs every entry.
    let is_there = all.iter().any(|group| group.name == spec.group);
    let mut floor = if is_there { now.saturating_sub(milliseconds_of(settings.retention)) } else { 0 };
    for group in all {
        let Some(since) = oldest_unacknowledged(broker, &spec.key, &group).await? else { continue };
        let is_waited_for = group.name == spec.group
            || (!is_crowded && now.saturating_sub(since) <= milliseconds_of(settings.foreign_retention));
        if is_waited_for {
            floor = floor.min(since);
        }
    }
    Ok(floor)
}

async fn length(broker: &Broker, key: &str) -> Result<u64, BrokerError> {
    let mut command = redis::cmd("XLEN");
    command.arg(key);
    broker.command(command).await
}

/// Consumers that hold entries stay until these are claimed.
async fn forget_gone(spec: &ConsumerSpec) -> Result<(), BrokerError> {
    // One script: deleting a consumer deletes its pending entries.
    let script = Script::new(
        "local gone = {}
         for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
             local consumer = {}
             for i = 1, #row, 2 do consumer[row[i]] = row[i + 1] end
             if consumer.pending == 0 and consumer.idle >= tonumber(ARGV[2]) and consumer.name ~= ARGV[3] then
                 redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
                 gone[#gone + 1] = consumer.name
             end
         end
         return gone",
    );
    let mut call = script.prepare_invoke();
    let idle = milliseconds_of(spec.settings.claim_idle * GONE_AFTER);
    call.key(&spec.key).arg(&spec.group).arg(idle).arg(&spec.consumer);
    let gone: Vec<String> = spec.broker.script(&call).await?;
    if !gone.is_empty() {
        tracing::info!(stream = %spec.key, group = %spec.group, consumers = ?gone, "consumers that are gone are forgotten");
    }
    Ok(())
}

fn milliseconds_of(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
