//! F6: PostgreSQL goes away under load.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::sleep;

use super::injected::{InjectedFault, NO_REQUEST_OVER};
use crate::ChaosError;
use crate::arena::Arena;
use crate::fault::Fault;
use crate::products::{PLENTY, one};
use crate::schedule::PlannedFault;
use ctl::instance::health;
use ctl::stack::Kind;
use ctl::wait;

/// PostgreSQL gives its backends 5 s in an immediate shutdown.
const GONE_WITHIN: Duration = Duration::from_secs(8);

pub async fn outage(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let evidence = match planned.fault {
        Fault::PostgresStop => stop_at_once(arena).await?,
        _ => kill_all(arena).await?,
    };
    refused_politely(arena).await?;
    sleep(planned.hold()).await;
    arena.postgres_server()?.restart().await?;
    Ok(InjectedFault { evidence, recovering: arena.begin_recovery(planned.limit()) })
}

async fn kill_all(arena: &mut Arena) -> Result<String, ChaosError> {
    let pid = running(arena)?;
    arena.postgres_server()?.kill().await;
    Ok(format!("PostgreSQL (pid {pid}) and its backends were killed"))
}

/// SIGQUIT skips the checkpoint: the next start replays the write-ahead log.
async fn stop_at_once(arena: &mut Arena) -> Result<String, ChaosError> {
    let pid = running(arena)?;
    kill(Pid::from_raw(pid), Signal::SIGQUIT)
        .map_err(|error| ChaosError::NotLanded(format!("SIGQUIT to PostgreSQL: {error}")))?;
    wait::until("PostgreSQL ends", GONE_WITHIN, async || match std::fs::metadata(format!("/proc/{pid}")) {
        Ok(_) => Err(format!("process {pid} is still there")),
        Err(_) => Ok(()),
    })
    .await?;
    Ok(format!("PostgreSQL (pid {pid}) stopped at once"))
}

fn running(arena: &mut Arena) -> Result<i32, ChaosError> {
    arena
        .postgres_server()?
        .pid()
        .ok_or_else(|| ChaosError::NotLanded("PostgreSQL was not running".to_owned()))
}

/// Demands 503 with Retry-After from every instance of payment.
async fn refused_politely(arena: &mut Arena) -> Result<(), ChaosError> {
    for id in arena.ids(Kind::Payment) {
        let url = arena.url(id)?;
        let answer = arena.buyer.send(&url, &one(PLENTY), &uuid::Uuid::now_v7().to_string()).await?;
        if answer.status != Some(503) || !answer.retry_after || answer.took > NO_REQUEST_OVER {
            arena
                .findings
                .push(format!("{id} without PostgreSQL: not 503 with Retry-After within 5 s: {answer:?}"));
        }
        if let Err(dead) = health(&arena.http, &url, "/livez").await {
            arena.findings.push(format!("{id} without PostgreSQL is not alive: {dead}"));
        }
    }
    Ok(())
}
