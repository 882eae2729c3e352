//! The sweep checks the copies of due rows, and of all rows after a reset of Redis.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant, SystemTime},
};

use uuid::Uuid;

use super::{
    OutboxDepth, RelayOptions, Retention,
    copies::{Copies, SweepError},
    publishing,
    store::{self, Row},
};
use crate::{
    db::DbError,
    recovery::{self, Recovery},
    stream::BrokerError,
};

const BATCH: i64 = 512;
/// Batches without a row to publish per sweep: 4,000 rows a second by default.
const MAX_IDLE_BATCHES: usize = 8;
/// Interval of sweeps from the beginning, which find rows that another process had locked.
const FULL_SWEEP_INTERVAL: Duration = Duration::from_secs(30);
const SWEEPS_PER_DEPTH: u32 = 5;

#[derive(Debug, Default)]
pub(super) struct SweepState {
    /// By stream, by the clock of PostgreSQL.
    swept_up_to: HashMap<&'static str, SystemTime>,
    last_full_sweep: Option<Instant>,
    sweeps: u32,
    pub depth: OutboxDepth,
    /// By stream: room at the start of the sweep, less the entries published since.
    pub room: HashMap<&'static str, u64>,
}

/// The relay publishes the `queued` events itself.
pub(super) async fn sweep(options: &RelayOptions, state: &mut SweepState, queued: &HashSet<Uuid>) {
    if let Err(error) = try_sweep(options, state, queued).await {
        tracing::warn!(%error, "the sweep of the outbox failed");
    }
}

async fn try_sweep(
    options: &RelayOptions,
    state: &mut SweepState,
    queued: &HashSet<Uuid>,
) -> Result<(), SweepError> {
    // Read first: the next sweep then heals a reset between the two reads, by fresh positions.
    let marker = marker(options).await?;
    let copies = Copies::read(options).await?;
    state.room = options.routes.iter().map(|route| (route.stream, copies.room(route.stream))).collect();
    heal_reset(options, marker, &copies, state, queued).await?;
    if state.last_full_sweep.is_none_or(|at| at.elapsed() >= FULL_SWEEP_INTERVAL) {
        state.last_full_sweep = Some(Instant::now());
        state.swept_up_to.clear();
    }
    for route in &options.routes {
        if let Err(error) = sweep_stream(options, route.stream, &copies, state, queued).await {
            tracing::warn!(stream = route.stream, %error, "the sweep of a stream failed");
        }
    }
    if state.sweeps.is_multiple_of(SWEEPS_PER_DEPTH) {
        state.depth = depth(options, state).await?;
    }
    state.sweeps = state.sweeps.wrapping_add(1);
    Ok(())
}

async fn sweep_stream(
    options: &RelayOptions,
    stream: &'static str,
    copies: &Copies<'_>,
    state: &mut SweepState,
    queued: &HashSet<Uuid>,
) -> Result<(), SweepError> {
    let mut idle_batches = 0;
    while idle_batches < MAX_IDLE_BATCHES && !copies.is_old() {
        let room = state.room.get(stream).copied().unwrap_or_default();
        if room == 0 {
            return Ok(()); // the rows wait in the table
        }
        let after = state.swept_up_to.get(stream).copied();
        let limit = BATCH.min(i64::try_from(room).unwrap_or(BATCH));
        let due = store::take_due(
            &options.database.connection().await?,
            (stream, after),
            options.settings.resend_after,
            limit,
        )
        .await?;
        state.swept_up_to.insert(stream, due.swept_up_to);
        let result = publish_missing(options, copies, due.rows, state, queued).await?;
        if due.taken < usize::try_from(limit).unwrap_or_default() || result == BatchResult::Refused {
            return Ok(());
        }
        idle_batches += usize::from(result == BatchResult::NothingMissing);
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BatchResult {
    NothingMissing,
    Published,
    /// A further batch would be refused too.
    Refused,
}

async fn publish_missing(
    options: &RelayOptions,
    copies: &Copies<'_>,
    rows: Vec<Row>,
    state: &mut SweepState,
    queued: &HashSet<Uuid>,
) -> Result<BatchResult, SweepError> {
    let rows = rows.into_iter().filter(|row| !queued.contains(&row.event.envelope.id)).collect();
    let missing = copies.missing(rows).await?;
    if missing.is_empty() {
        return Ok(BatchResult::NothingMissing);
    }
    log_repetition(&missing);
    options.republished().increment(missing.len() as u64);
    let published =
        publishing::publish(options, missing.iter().map(|row| (&row.event, row.attempts)).collect()).await;
    published.used(&mut state.room, missing.iter().map(|row| &row.event));
    let connection = options.database.connection().await?;
    if !published.entries.is_empty() {
        store::record_entries(&connection, &published.entries).await?;
    }
    if !published.refused.is_empty() {
        store::defer(&connection, &published.refused, options.settings.sweep_interval).await?;
    }
    let is_refused = published.entries.is_empty() && published.done == 0;
    Ok(if is_refused { BatchResult::Refused } else { BatchResult::Published })
}

/// Unconfirmed events waited for room or were lost by Redis.
fn log_repetition(rows: &[Row]) {
    let unconfirmed = rows.iter().filter(|row| row.event.retention == Retention::UntilConfirmed).count();
    if unconfirmed > 0 {
        recovery::record(Recovery::EventsRepublished { events: unconfirmed });
        tracing::info!(events = unconfirmed, "publishing unconfirmed events that have no copy in Redis");
    }
    if unconfirmed < rows.len() {
        tracing::debug!(
            events = rows.len() - unconfirmed,
            "publishing events once more, as their retention says"
        );
    }
}

async fn depth(options: &RelayOptions, state: &SweepState) -> Result<OutboxDepth, DbError> {
    let connection = options.database.connection().await?;
    let mut depth = OutboxDepth::default();
    for route in &options.routes {
        let after = state.swept_up_to.get(route.stream).copied();
        depth = depth.and(store::depth(&connection, (route.stream, after)).await?);
    }
    Ok(depth)
}

/// The marker is `present`, or the progress of healing as `healing:<last event id>`.
const PRESENT: &str = "present";
const HEALING: &str = "healing:";

/// A missing marker reveals a reset of Redis: every row is checked whatever its lease. The marker holds the
/// progress for the next sweep of any process.
async fn heal_reset(
    options: &RelayOptions,
    found: Option<String>,
    copies: &Copies<'_>,
    state: &mut SweepState,
    queued: &HashSet<Uuid>,
) -> Result<(), SweepError> {
    if found.as_deref() == Some(PRESENT) {
        return Ok(());
    }
    let mut after: Uuid = match &found {
        Some(healing) => healing.strip_prefix(HEALING).and_then(|id| id.parse().ok()).unwrap_or_default(),
        None => {
            tracing::info!("Redis is new or was reset: publishing all unconfirmed events again");
            recovery::record(Recovery::RedisReset);
            Uuid::nil()
        }
    };
    set_marker(options, &format!("{HEALING}{after}"), false).await?;
    for _ in 0..MAX_IDLE_BATCHES {
        if state.room.values().all(|room| *room == 0) {
            return Ok(());
        }
        let (rows, last) =
            store::page(&options.database.connection().await?, after, options.settings.resend_after, BATCH)
                .await?;
        let Some(last) = last else { return set_marker(options, PRESENT, true).await };
        publish_missing(options, copies, rows, state, queued).await?;
        after = last;
        set_marker(options, &format!("{HEALING}{after}"), true).await?;
    }
    Ok(())
}

/// The key that a Redis with its data has.
pub(super) fn marker_key(service: &str) -> String {
    format!("orderflow:marker:{service}")
}

async fn marker(options: &RelayOptions) -> Result<Option<String>, BrokerError> {
    let mut get = redis::cmd("GET");
    get.arg(marker_key(options.service));
    options.broker.command(get).await
}

/// `only_if_there` leaves the marker missing after another reset, which the next sweep then heals.
async fn set_marker(options: &RelayOptions, value: &str, only_if_there: bool) -> Result<(), SweepError> {
    let mut set = redis::cmd("SET");
    set.arg(marker_key(options.service)).arg(value);
    if only_if_there {
        set.arg("XX");
    }
    Ok(options.broker.command::<Option<String>>(set).await.map(drop)?)
}
