use redis::{Pipeline, RedisError, Value, aio::MultiplexedConnection, streams::StreamRangeReply};

use super::keys::Keys;
use super::read::{read, take};
use super::state::Partition;

pub async fn backlog(redis: &mut MultiplexedConnection) -> Result<Vec<String>, RedisError> {
    let keys = Keys::find(redis).await?;
    let mut open: Vec<String> = keys
        .missing()
        .map(|stream| format!("stream {stream} does not exist yet: its consumer creates it"))
        .collect();
    let state = read(redis, &keys, None).await?;
    let mut pipeline = Pipeline::new();
    pipeline.ignore_errors();
    for partition in &state.partitions {
        let last = partition.state.as_ref().map(|state| state.last_delivered).unwrap_or_default();
        pipeline.cmd("XRANGE").arg(&partition.key).arg(format!("({last}")).arg("+").arg("COUNT").arg(1);
    }
    if state.partitions.is_empty() {
        return Ok(open);
    }
    let mut answers = pipeline.query_async::<Vec<Value>>(redis).await?.into_iter();
    for partition in &state.partitions {
        let unread = take::<StreamRangeReply>(&mut answers).is_none_or(|unread| !unread.ids.is_empty());
        open.extend(to_do(partition, unread));
    }
    Ok(open)
}

fn to_do(partition: &Partition, unread: bool) -> Vec<String> {
    let Partition { key, group, state, .. } = partition;
    let Some(state) = state else { return vec![format!("{key}: the group {group} does not exist")] };
    let pending =
        (!state.pending.is_empty()).then(|| format!("{key}: {} pending in {group}", state.pending.len()));
    let unread = unread.then(|| format!("{key}: unread entries of {group}"));
    pending.into_iter().chain(unread).collect()
}
