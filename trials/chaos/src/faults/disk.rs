//! F13: the disk of PostgreSQL is full.

use std::time::Duration;

use uuid::Uuid;

use super::injected::{InjectedFault, NO_REQUEST_OVER};
use crate::ChaosError;
use crate::arena::Arena;
use crate::buyer::HttpResponse;
use crate::products::{PLENTY, one};
use crate::schedule::PlannedFault;
use crate::small_disk::SmallDisk;
use ctl::instance::health;
use ctl::stack::{Kind, ServiceId};
use ctl::wait;

/// Existing pages have room for some orders.
const FELT_WITHIN: Duration = Duration::from_secs(60);

pub async fn fill(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let url = arena.url(ServiceId { kind: Kind::Payment, instance: 1 })?;
    let bytes = disk(arena)?.fill()?;
    let felt = felt(arena, &url).await;
    let alive = health(&arena.http, &url, "/livez").await;
    disk(arena)?.free()?;
    // A full write-ahead log is a panic of PostgreSQL.
    if arena.database(Kind::Payment).number("SELECT 1::bigint", &[]).await.is_err() {
        arena.progress.line("  PostgreSQL had stopped and is restarted");
        arena.postgres_server()?.restart().await?;
    }
    let recovering = arena.begin_recovery(planned.limit());
    arena.findings.extend(alive.err().map(|dead| format!("not alive while the disk was full: {dead}")));
    let felt = felt?;
    if felt.status != Some(503) || !felt.retry_after || felt.took > NO_REQUEST_OVER {
        arena
            .findings
            .push(format!("the answer to a full disk is not 503 with Retry-After within 5 s: {felt:?}"));
    }
    Ok(InjectedFault {
        evidence: format!("{bytes} bytes filled the disk; POST /orders: {:?}", felt.status),
        recovering,
    })
}

fn disk(arena: &Arena) -> Result<&SmallDisk, ChaosError> {
    arena.folder.disk().ok_or_else(|| ChaosError::Impossible("PostgreSQL is not on a small disk".to_owned()))
}

async fn felt(arena: &Arena, payment: &str) -> Result<HttpResponse, ChaosError> {
    let felt = wait::until("an order that is not accepted", FELT_WITHIN, async || {
        match arena.buyer.send(payment, &one(PLENTY), &Uuid::now_v7().to_string()).await {
            Ok(answer) if answer.is_ok() => Err("all were".to_owned()),
            Ok(answer) => Ok(answer),
            Err(error) => Err(error.to_string()),
        }
    });
    felt.await.map_err(|error| ChaosError::NotLanded(error.to_string()))
}
