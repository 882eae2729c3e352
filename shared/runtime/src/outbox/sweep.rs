//! The sweep: looks at rows that fell due, and at all of them when Redis has lost its data. Batch by batch,
//! along an index.

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
use crate::{db::DbError, stream::BrokerError};

/// Rows of one look.
const BATCH: i64 = 512;
/// Looks of one sweep at rows that turn out to need nothing: 4,000 rows a second are looked at without
/// holding up anybody.
const MAX_IDLE_BATCHES: usize = 8;
/// A sweep begins where the last one ended; this often it begins at the start. That finds rows another
/// process had locked.
const FULL_SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// Sweeps between two looks at how much there is.
const SWEEPS_PER_DEPTH: u32 = 5;

/// What one sweep hands on to the next.
#[derive(Debug, Default)]
pub(super) struct SweepState {
    /// By stream: the moment up to which rows were looked at, by the clock of PostgreSQL.
    swept_up_to: HashMap<&'static str, SystemTime>,
    last_full_sweep: Option<Instant>,
    sweeps: u32,
    pub depth: OutboxDepth,
    /// By stream: for how many entries there was room, less those that were published since.
    pub room: HashMap<&'static str, u64>,
}

/// One sweep. `queued` are events that the relay has in state: it publishes them itself.
pub(super) async fn sweep(options: &RelayOptions, state: &mut SweepState, queued: &HashSet<Uuid>) {
    if let Err(error) = try_sweep(options, state, queued).await {
        tracing::warn!(%error, "the sweep of the outbox did not get through");
    }
}

async fn try_sweep(
    options: &RelayOptions,
    state: &mut SweepState,
    queued: &HashSet<Uuid>,
) -> Result<(), SweepError> {
    // The marker first: a reset between the two is healed by the next sweep. The other way round this one
    // would heal by what was there before.
    let marker = marker(options).await?;
    let copies = Copies::read(options).await?;
    state.room = options.routes.iter().map(|route| (route.stream, copies.room(route.stream))).collect();
    heal_reset(options, marker, &copies, state, queued).await?;
    if state.last_full_sweep.is_none_or(|at| at.elapsed() >= FULL_SWEEP_INTERVAL) {
        state.last_full_sweep = Some(Instant::now());
        state.swept_up_to.clear();
    }
    for route in &options.routes {
        // One stream that cannot be swept is no reason not to sweep the others.
        if let Err(error) = sweep_stream(options, route.stream, &copies, state, queued).await {
            tracing::warn!(stream = route.stream, %error, "the sweep of a stream did not get through");
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
            return Ok(()); // its rows wait in the table
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

/// What a look at rows came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BatchResult {
    NothingMissing,
    Published,
    /// Redis takes nothing for this stream right now: more of it would be refused, too.
    Refused,
}

/// Publishes those of the rows that have no copy somebody will handle.
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
    metrics::counter!("orderflow_outbox_republished_total", "service" => options.service)
        .increment(missing.len() as u64);
    let published =
        publishing::publish(options, missing.iter().map(|row| (&row.event, row.attempts)).collect()).await;
    published.used(&mut state.room, missing.iter().map(|row| &row.event));
    let connection = options.database.connection().await?;
    if !published.entries.is_empty() {
        store::record_entries(&connection, &published.entries).await?;
    }
    // A refused event waits for its own moment, and holds up none of the others.
    if !published.refused.is_empty() {
        store::defer(&connection, &published.refused, options.settings.sweep_interval).await?;
    }
    let is_refused = published.entries.is_empty() && published.done == 0;
    Ok(if is_refused { BatchResult::Refused } else { BatchResult::Published })
}

/// What waited for room, or what Redis has lost, is news; what is to be published several times anyway is
/// not.
fn log_repetition(rows: &[Row]) {
    let unconfirmed = rows.iter().filter(|row| row.event.retention == Retention::UntilConfirmed).count();
    if unconfirmed > 0 {
        tracing::info!(events = unconfirmed, "publishing what nobody has confirmed and has no copy in Redis");
    }
    if unconfirmed < rows.len() {
        tracing::debug!(
            events = rows.len() - unconfirmed,
            "publishing once more what is published several times"
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

/// The marker in Redis says `present`, or how far the healing of a reset has come: `healing:<last event id>`.
const PRESENT: &str = "present";
const HEALING: &str = "healing:";

/// A marker in Redis that is gone says that Redis has lost its data: then every row is looked at, whatever
/// its lease says, and what has no copy is published. The marker says how far that has come: who dies over it
/// leaves the rest to the next sweep, whoever's that is.
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
            tracing::info!(
                "Redis has none of our data (new, or reset): what is unconfirmed is published again"
            );
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

fn marker_key(options: &RelayOptions) -> String {
    format!("orderflow:marker:{}", options.service)
}

async fn marker(options: &RelayOptions) -> Result<Option<String>, BrokerError> {
    let mut get = redis::cmd("GET");
    get.arg(marker_key(options));
    options.broker.command(get).await
}

/// `only_if_there`: if Redis has lost its data once more meanwhile, the marker stays away, and the next sweep
/// begins anew.
async fn set_marker(options: &RelayOptions, value: &str, only_if_there: bool) -> Result<(), SweepError> {
    let mut set = redis::cmd("SET");
    set.arg(marker_key(options)).arg(value);
    if only_if_there {
        set.arg("XX");
    }
    Ok(options.broker.command::<Option<String>>(set).await.map(drop)?)
}
