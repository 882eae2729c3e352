//! F19: Redis refuses. Orders are accepted, and end once Redis takes writes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use super::demotion::password_of;
use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::liveness::{HEALED_WITHIN, orders_are_accepted, others_end, readiness_names};
use crate::ChaosError;
use crate::arena::Arena;
use crate::direct::DirectRedis;
use crate::fault::Fault;
use crate::products::{PLENTY, one};
use crate::schedule::PlannedFault;
use ctl::stack::Kind;
use ctl::wait;

/// Longer than an instance may take to detect a refusal.
const AT_LEAST: Duration = Duration::from_secs(6);
/// One or two seconds, and longer for a debug build on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
const WAITING: usize = 3;
const PASSWORD: &str = "changed";
const PROBE: &str = "chaos:probe";
/// Every key but `refund_order`: patterns can only allow.
const ALL_BUT_REFUNDS: [&str; 4] = ["~[^r]*", "~r[^e]*", "~re[^f]*", "~refund_order.dead*"];

/// Ends the refusal in every case.
pub async fn refuse(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let fault = planned.fault;
    let folder = arena.folder.path().join("redis");
    let waiting = if fault == Fault::RedisFull { wait_in_redis(arena).await? } else { Vec::new() };
    let begun = begin(&arena.redis()?, fault, &folder).await;
    let seen = match &begun {
        Ok(_) => check_liveness(arena, planned, &waiting).await,
        Err(_) => Ok(()),
    };
    end(&arena.stack.redis_url(), fault, &folder).await?;
    let recovering = arena.begin_recovery(planned.limit());
    seen?;
    Ok(InjectedFault { evidence: begun?, recovering })
}

async fn begin(redis: &DirectRedis, fault: Fault, folder: &Path) -> Result<String, ChaosError> {
    match fault {
        Fault::RedisFull => {
            let used = redis.info("used_memory").await?;
            // Half of the memory in use, so that Redis stays full after a trim.
            config(redis, "maxmemory", &(used / 2).to_string()).await?;
        }
        // More replicas than a failover can leave.
        Fault::RedisNoreplicas => config(redis, "min-replicas-to-write", "9").await?,
        Fault::RedisMisconf => fail_snapshot(redis, folder).await?,
        Fault::RedisNoauth => lock_out(redis).await?,
        _ => {
            let words = [&["ACL", "SETUSER", "default", "resetkeys"][..], &ALL_BUT_REFUNDS].concat();
            redis.command::<()>(&words).await?;
        }
    }
    refused(
        redis,
        if fault == Fault::RedisNoperm { &["PERSIST", "refund_order"] } else { &["SET", PROBE, "1"] },
    )
    .await
}

async fn refused(redis: &DirectRedis, write: &[&str]) -> Result<String, ChaosError> {
    match redis.command::<redis::Value>(write).await {
        Err(ChaosError::Redis(error)) => Ok(format!("Redis says: {error}")),
        Err(other) => Err(other),
        Ok(_) => Err(ChaosError::NotLanded(format!("Redis still takes {}", write.join(" ")))),
    }
}

async fn config(redis: &DirectRedis, name: &str, value: &str) -> Result<(), ChaosError> {
    redis.command(&["CONFIG", "SET", name, value]).await
}

/// Closes the folder of snapshots; the append-only file is open already.
async fn fail_snapshot(redis: &DirectRedis, folder: &Path) -> Result<(), ChaosError> {
    close(folder, true)?;
    config(redis, "stop-writes-on-bgsave-error", "yes").await?;
    config(redis, "save", "3600 1000000").await?;
    redis.command::<redis::Value>(&["BGSAVE"]).await?;
    wait::until("a snapshot fails", EVIDENCE_WITHIN, async || {
        let text: String =
            redis.command(&["INFO", "persistence"]).await.map_err(|error| error.to_string())?;
        if text.contains("rdb_last_bgsave_status:err") { Ok(()) } else { Err("it did not".to_owned()) }
    })
    .await
    .map_err(|error| ChaosError::NotLanded(error.to_string()))
}

fn close(folder: &Path, closed: bool) -> Result<(), ChaosError> {
    let mode = Permissions::from_mode(if closed { 0o500 } else { 0o700 });
    fs::set_permissions(folder, mode)
        .map_err(ChaosError::io(format!("change the rights of {}", folder.display())))
}

/// Closes the connections, which would stay authenticated.
async fn lock_out(redis: &DirectRedis) -> Result<(), ChaosError> {
    config(redis, "requirepass", PASSWORD).await?;
    with_password(redis.url())?.command::<redis::Value>(&["CLIENT", "KILL", "TYPE", "normal"]).await.map(drop)
}

fn with_password(url: &str) -> Result<DirectRedis, ChaosError> {
    let (_, server) = url.rsplit_once('@').unwrap_or(("", url));
    DirectRedis::at(&format!("redis://:{PASSWORD}@{server}"))
}

/// Idempotent.
async fn end(url: &str, fault: Fault, folder: &Path) -> Result<(), ChaosError> {
    let redis = DirectRedis::at(url)?;
    match fault {
        Fault::RedisFull => config(&redis, "maxmemory", "0").await,
        Fault::RedisNoreplicas => config(&redis, "min-replicas-to-write", "0").await,
        Fault::RedisMisconf => {
            close(folder, false)?;
            config(&redis, "save", "").await?;
            // A running BGSAVE serves as well.
            _ = redis.command::<redis::Value>(&["BGSAVE"]).await;
            Ok(())
        }
        Fault::RedisNoauth => match config(&redis, "requirepass", password_of(url)).await {
            Err(_) => config(&with_password(url)?, "requirepass", password_of(url)).await,
            ended => ended,
        },
        _ => redis.command(&["ACL", "SETUSER", "default", "allkeys"]).await,
    }
}

pub async fn take_back(arena: &Arena) -> Result<(), ChaosError> {
    let url = arena.stack.redis_url();
    let folder = arena.folder.path().join("redis");
    // The password first: the other commands need it.
    for fault in [
        Fault::RedisNoauth,
        Fault::RedisFull,
        Fault::RedisNoreplicas,
        Fault::RedisMisconf,
        Fault::RedisNoperm,
    ] {
        end(&url, fault, &folder).await?;
    }
    Ok(())
}

async fn check_liveness(
    arena: &mut Arena,
    planned: &PlannedFault,
    waiting: &[Uuid],
) -> Result<(), ChaosError> {
    let hold = planned.hold().max(AT_LEAST);
    if planned.fault == Fault::RedisNoperm {
        let refused = orders_are_accepted(arena, hold).await?;
        note(arena, planned, refused);
        others_end(arena, "refund_order refused by Redis").await;
        return Ok(());
    }
    if planned.fault == Fault::RedisFull {
        starts(arena).await;
        reads(arena, waiting).await;
    }
    readiness_names(arena, &[Kind::Inventory, Kind::Payment], "redis", None).await;
    let refused = orders_are_accepted(arena, hold).await?;
    note(arena, planned, refused);
    Ok(())
}

fn note(arena: &mut Arena, planned: &PlannedFault, refused: Vec<String>) {
    arena.invariants.progress.note(&planned.fault.name(), refused.first().cloned());
    arena.findings.extend(refused);
}

/// Publishes events while inventory is down.
async fn wait_in_redis(arena: &mut Arena) -> Result<Vec<Uuid>, ChaosError> {
    for id in arena.ids(Kind::Inventory) {
        arena.kill9(id).await?;
    }
    let redis = arena.redis()?;
    let mut waiting = Vec::new();
    for _ in 0..WAITING {
        let order = arena.buyer.place_until_accepted(&one(PLENTY), EVIDENCE_WITHIN).await?;
        wait::until("its event is published", EVIDENCE_WITHIN, async || {
            let entry = redis
                .entry_about("order_completed", &order.to_string())
                .await
                .map_err(|error| error.to_string())?;
            entry.ok_or_else(|| "it is not".to_owned())
        })
        .await?;
        waiting.push(order);
    }
    Ok(waiting)
}

/// The group exists already, so a start while Redis is full needs no write.
async fn starts(arena: &mut Arena) {
    for id in arena.ids(Kind::Inventory) {
        let wrong = match timeout(STARTS_WITHIN, arena.stack.restart(id)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("not ready within {STARTS_WITHIN:?}")),
        };
        arena
            .findings
            .extend(wrong.as_ref().map(|wrong| format!("{id} does not start while Redis is full: {wrong}")));
        arena.invariants.progress.note("a start beside a full Redis", wrong);
    }
}

/// Reading and acknowledging free memory.
async fn reads(arena: &mut Arena, waiting: &[Uuid]) {
    let inventory = arena.database(Kind::Inventory);
    let taken = "SELECT count(DISTINCT order_id) FROM stock_ledger WHERE order_id = ANY($1)";
    let read = wait::until("the entries in a full Redis are read", HEALED_WITHIN, async || {
        match inventory.number(taken, &[&waiting]).await {
            Ok(all) if usize::try_from(all) == Ok(waiting.len()) => Ok(()),
            Ok(some) => Err(format!("{some} of {} are", waiting.len())),
            Err(error) => Err(error.to_string()),
        }
    });
    let wrong = read.await.err().map(|error| error.to_string());
    arena.findings.extend(wrong.clone());
    arena.invariants.progress.note("reading from a full Redis", wrong);
}
