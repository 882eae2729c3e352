//! F3 to F5: Redis comes back complete, empty, or without its newest data.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use tokio::time::sleep;

use super::dead_letter_backup::DeadLetterBackup;
use super::injected::InjectedFault;
use crate::ChaosError;
use crate::arena::Arena;
use crate::products::{PLENTY, one};
use crate::profile::UNOPTIMISED;
use crate::schedule::PlannedFault;
use ctl::stack::Kind;

/// The last key written.
const MARKER: &str = "chaos:marker";
/// A few hundred events, in bytes.
const LONGEST_CUT: u64 = 64 * 1024;

pub async fn kill(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let evidence = killed(arena).await?;
    orders_are_accepted(arena).await?;
    sleep(planned.hold()).await;
    arena.redis_server()?.restart().await?;
    Ok(InjectedFault { evidence, recovering: arena.begin_recovery(planned.limit()) })
}

pub async fn empty(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let backup = DeadLetterBackup::take(&arena.redis()?).await?;
    let evidence = killed(arena).await?;
    let files = append_only_folder(arena);
    fs::remove_dir_all(&files).map_err(ChaosError::io(format!("remove {}", files.display())))?;
    back_without_marker(arena, planned, &backup, format!("{evidence}, and its append-only file was removed"))
        .await
}

pub async fn cut(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let redis = arena.redis()?;
    let backup = DeadLetterBackup::take(&redis).await?;
    redis.command::<()>(&["SET", MARKER, "x"]).await?;
    let evidence = killed(arena).await?;
    let bytes = cut_tail(&append_only_folder(arena), u64::from(planned.draw))?;
    back_without_marker(
        arena,
        planned,
        &backup,
        format!("{evidence}, and lost the last {bytes} bytes of its append-only file"),
    )
    .await
}

/// The evidence of a loss: the last key is gone.
async fn back_without_marker(
    arena: &mut Arena,
    planned: &PlannedFault,
    backup: &DeadLetterBackup,
    evidence: String,
) -> Result<InjectedFault, ChaosError> {
    sleep(planned.hold()).await;
    arena.redis_server()?.restart().await?;
    let recovering = arena.begin_recovery(planned.limit());
    let redis = arena.redis()?;
    backup.restore(&redis).await?;
    match redis.command::<Option<String>>(&["GET", MARKER]).await? {
        None => Ok(InjectedFault { evidence, recovering }),
        Some(_) => Err(ChaosError::NotLanded(format!("{evidence}; but the last write is still there"))),
    }
}

async fn killed(arena: &mut Arena) -> Result<String, ChaosError> {
    let redis = arena.redis_server()?;
    let pid = redis.pid();
    redis.kill().await;
    match (pid, redis.pid()) {
        (Some(pid), None) => Ok(format!("Redis (pid {pid}) was killed")),
        _ => Err(ChaosError::NotLanded("Redis was not running".to_owned())),
    }
}

/// Two refusals in a row are a breach: one response may be late on a busy machine.
async fn orders_are_accepted(arena: &mut Arena) -> Result<(), ChaosError> {
    for id in arena.ids(Kind::Payment) {
        let url = arena.url(id)?;
        let key = uuid::Uuid::now_v7().to_string();
        let first = arena.buyer.send(&url, &one(PLENTY), &key).await?;
        if first.is_ok() {
            continue;
        }
        // One pause of the machine is no second refusal.
        tokio::time::sleep(UNOPTIMISED).await;
        let second = arena.buyer.send(&url, &one(PLENTY), &key).await?;
        if !second.is_ok() {
            arena
                .findings
                .push(format!("{id} does not accept orders while Redis is down: {first:?}, then {second:?}"));
        }
    }
    Ok(())
}

fn append_only_folder(arena: &Arena) -> PathBuf {
    arena.folder.path().join("redis").join("appendonlydir")
}

/// The marker is at the very end of the newest incremental file.
fn cut_tail(folder: &Path, draw: u64) -> Result<u64, ChaosError> {
    let failed = || ChaosError::io(format!("cut the newest file in {}", folder.display()));
    let files = fs::read_dir(folder).map_err(failed())?.flatten().map(|entry| entry.path());
    let newest = files.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max();
    let newest = newest.ok_or_else(|| {
        ChaosError::Impossible(format!("there is no append-only file in {}", folder.display()))
    })?;
    let file = OpenOptions::new().write(true).open(newest).map_err(failed())?;
    let length = file.metadata().map_err(failed())?.len();
    let cut = (1 + draw % LONGEST_CUT).min(length / 2);
    file.set_len(length - cut).map_err(failed())?;
    Ok(cut)
}
