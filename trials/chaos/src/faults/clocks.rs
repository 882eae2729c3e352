//! F30: clocks that disagree. libfaketime moves the wall clock, and leaves the monotonic clock alone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::injected::{EVIDENCE_WITHIN, InjectedFault};
use super::postgres_sessions::works_again;
use crate::ChaosError;
use crate::arena::Arena;
use crate::products::{PLENTY, one};
use crate::profile::UNOPTIMISED;
use crate::schedule::PlannedFault;
use ctl::instance::InstanceError;
use ctl::stack::{Kind, ServiceId};
use ctl::wait;

/// The paths of the Debian package `faketime`.
const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];
/// A token may come 5 s from the future at most.
const OFFSETS: [(Kind, usize, &str); 3] =
    [(Kind::Payment, 1, "+90s"), (Kind::Payment, 2, "-3s"), (Kind::Inventory, 2, "+3600s")];
/// `reconcile-after` (2 s), `reconcile-interval` (0.5 s), and the way to the end.
const CHARGED_WITHIN: Duration = Duration::from_secs(10).saturating_add(UNOPTIMISED);
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn apart(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let library = library()?;
    let moved: Vec<(ServiceId, &str)> = OFFSETS
        .iter()
        .map(|(kind, instance, by)| (ServiceId { kind: *kind, instance: *instance }, *by))
        .collect();
    let moved: Vec<(ServiceId, &str)> =
        moved.into_iter().filter(|(id, _)| arena.ids(id.kind).contains(id)).collect();
    for (id, by) in &moved {
        set_clock(arena, *id, &library, by).await?;
    }
    works_again(arena, "clocks are apart").await;
    let evidence = evidence(arena, &moved).await;
    let late = charged_by_another(arena).await;
    for (id, _) in &moved {
        arena.stack.restart_with(*id, &[("LD_PRELOAD", "")]).await?;
    }
    let recovering = arena.begin_recovery(planned.limit());
    let late = late?;
    arena.findings.extend(late.clone());
    arena.invariants.progress.note("clocks apart", late);
    Ok(InjectedFault { evidence: evidence?, recovering })
}

pub fn library() -> Result<PathBuf, ChaosError> {
    let found = LIBRARIES.iter().map(Path::new).find(|path| path.exists());
    found.map(Path::to_path_buf).ok_or_else(|| {
        ChaosError::Impossible("libfaketime is missing: install the package faketime".to_owned())
    })
}

async fn set_clock(arena: &mut Arena, id: ServiceId, library: &Path, by: &str) -> Result<(), ChaosError> {
    let library = library.to_string_lossy().into_owned();
    let env = [
        ("LD_PRELOAD", &*library),
        ("FAKETIME", by),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    Ok(arena.stack.restart_with(id, &env).await?)
}

/// Compares the header `Date` with the clock of this process.
async fn evidence(arena: &Arena, moved: &[(ServiceId, &str)]) -> Result<String, ChaosError> {
    let (id, by) = moved.first().ok_or_else(|| ChaosError::NotLanded("no clock was moved".to_owned()))?;
    let url = format!("{}/livez", arena.url(*id)?);
    let silent =
        |error: reqwest::Error| InstanceError::NoResponse { what: url.clone(), why: error.to_string() };
    let answer = arena.http.get(&url).send().await.map_err(silent)?;
    let told =
        answer.headers().get("date").and_then(|date| jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok());
    let ahead = told.map_or(0, |told| told.timestamp().as_second() - Timestamp::now().as_second());
    match ahead {
        60.. => {
            Ok(format!("{id} is {ahead} s ahead (set by {by}), {} clocks in all were moved", moved.len()))
        }
        few => Err(ChaosError::NotLanded(format!("{id} is only {few} s ahead"))),
    }
}

/// A peer must charge the order of the killed instance within [`CHARGED_WITHIN`].
async fn charged_by_another(arena: &mut Arena) -> Result<Option<String>, ChaosError> {
    let ahead = ServiceId { kind: Kind::Payment, instance: 1 };
    let payment = arena.database(Kind::Payment);
    let lock = payment.hold("LOCK TABLE provider.charges IN SHARE ROW EXCLUSIVE MODE").await?;
    let url = arena.url(ahead)?;
    let placed = wait::until("an order is accepted", EVIDENCE_WITHIN, async || {
        let answer = arena
            .buyer
            .send(&url, &one(PLENTY), &uuid::Uuid::now_v7().to_string())
            .await
            .map_err(|error| error.to_string())?;
        answer.order().filter(|_| answer.is_ok()).ok_or(answer.text)
    })
    .await;
    arena.kill9(ahead).await?;
    lock.release().await?;
    let began = Instant::now();
    let ended = arena.buyer.wait_for_end(placed?, PATIENCE).await;
    arena.stack.restart(ahead).await?;
    Ok(match ended {
        Ok(_) if began.elapsed() <= CHARGED_WITHIN => None,
        Ok(_) => Some(format!(
            "an order of an instance that is ahead and died ended after {:.0} s",
            began.elapsed().as_secs_f64()
        )),
        Err(error) => Some(format!("an order of an instance that is ahead and died: {error}")),
    })
}
