//! F19: a failover to a replica. New connections reach the new primary, old ones get READONLY.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use servers::{Redis, RedisOptions};

use super::injected::InjectedFault;
use super::liveness::{orders_are_accepted, others_end};
use crate::ChaosError;
use crate::arena::Arena;
use crate::direct::DirectRedis;
use crate::schedule::PlannedFault;
use ctl::wait;

const IN_STEP_WITHIN: Duration = Duration::from_secs(20);

/// Demotes the second Redis as well, so that the run continues with the first.
pub async fn demote(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let second = match arena.second_redis.take() {
        Some(second) => second,
        None => Redis::start(second_options(arena)).await?,
    };
    let second = arena.second_redis.insert(second);
    let first = (arena.stack.redis_url(), port_of(&arena.stack.redis_url()));
    let second = (second.url(), second.port());
    follow(&second.0, first.1).await?;
    switch(arena, &first.0, &second.0, second.1).await?;
    others_end(arena, "Redis is a replica to old connections").await;
    let refused = orders_are_accepted(arena, planned.hold()).await?;
    arena.invariants.progress.note("redis-demoted", refused.first().cloned());
    arena.findings.extend(refused);
    let evidence = demoted(&first.0).await?;
    in_step(&first.0).await?;
    switch(arena, &second.0, &first.0, first.1).await?;
    Ok(InjectedFault { evidence, recovering: arena.begin_recovery(planned.limit()) })
}

/// The services keep their password when a proxy takes them to the second.
fn second_options(arena: &Arena) -> RedisOptions {
    let password = password_of(&arena.stack.redis_url()).to_owned();
    RedisOptions { password: Some(password), ..RedisOptions::new(arena.folder.path().join("redis-2")) }
}

async fn follow(replica: &str, primary: u16) -> Result<(), ChaosError> {
    let redis = DirectRedis::at(replica)?;
    // Skips the five seconds that a primary waits for more replicas.
    redis.command::<()>(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]).await?;
    redis.command::<()>(&["REPLICAOF", "127.0.0.1", &primary.to_string()]).await?;
    in_step(replica).await
}

async fn in_step(replica: &str) -> Result<(), ChaosError> {
    let redis = DirectRedis::at(replica)?;
    Ok(wait::until("the replica is in step", IN_STEP_WITHIN, async || {
        let info: String =
            redis.command(&["INFO", "replication"]).await.map_err(|error| error.to_string())?;
        if info.contains("master_link_status:up") { Ok(()) } else { Err(info.replace("\r\n", " ")) }
    })
    .await?)
}

async fn switch(arena: &Arena, old: &str, new: &str, new_port: u16) -> Result<(), ChaosError> {
    for url in [old, new] {
        DirectRedis::at(url)?.command::<()>(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"]).await?;
    }
    DirectRedis::at(new)?.command::<()>(&["REPLICAOF", "NO", "ONE"]).await?;
    arena
        .network
        .lanes()
        .for_each(|lane| lane.redis.divert(SocketAddr::from((Ipv4Addr::LOCALHOST, new_port))));
    DirectRedis::at(old)?.command(&["REPLICAOF", "127.0.0.1", &new_port.to_string()]).await
}

async fn demoted(url: &str) -> Result<String, ChaosError> {
    match DirectRedis::at(url)?.command::<String>(&["SET", "chaos:probe", "1"]).await {
        Err(ChaosError::Redis(error)) => Ok(format!("old connections get: {error}")),
        _ => Err(ChaosError::NotLanded("the old primary still writes".to_owned())),
    }
}

/// Empty without one.
pub(super) fn password_of(url: &str) -> &str {
    url.rsplit_once('@').and_then(|(account, _)| account.strip_prefix("redis://:")).unwrap_or_default()
}

fn port_of(url: &str) -> u16 {
    url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_an_address_is_found() {
        assert_eq!(port_of("redis://127.0.0.1:6379/0"), 6379);
        assert_eq!(port_of("redis://:secret@127.0.0.1:6379/0"), 6379);
        assert_eq!(password_of("redis://:secret@127.0.0.1:6379/0"), "secret");
    }
}
