use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool_postgres::BuildError;
use futures_util::future::LocalBoxFuture;

use super::{
    Act, AuditSettings, Filter, Outcome, Position, StoredRecord,
    counters::Counters,
    record::Record,
    refusals::Refusals,
    store::{self, WriteAudit},
};
use crate::{
    db::{Commits, Database, DatabaseSettings, DbError},
    supervisor::{Drainable, SupervisorHandle},
};

/// About four megabytes of memory. More come together only while PostgreSQL is away.
const MOST_WAITING: usize = 4096;

/// Writes records and reads them.
#[derive(Clone)]
pub struct AuditTrail(Arc<Inner>);

struct Inner {
    counters: Counters,
    database: Database,
    writer: Commits<WriteAudit>,
    /// An answer waits for its record no longer.
    patience: Duration,
    waiting: AtomicUsize,
    refusals: Mutex<Refusals>,
}

impl AuditTrail {
    /// Starts the writer.
    pub fn start(
        service: &'static str,
        supervisor: &SupervisorHandle,
        database: &DatabaseSettings,
        settings: AuditSettings,
    ) -> Result<Self, BuildError> {
        // Its own, so that the readiness of the service does not depend on it.
        let own = Database::open("audit", database)?;
        let writer = Commits::start(supervisor, own.clone(), database, || WriteAudit);
        Ok(Self(Arc::new(Inner {
            counters: Counters::of(service),
            database: own,
            writer,
            patience: database.commit_deadline,
            waiting: AtomicUsize::new(0),
            refusals: Mutex::new(Refusals::new(settings.refusals, Instant::now())),
        })))
    }

    /// Records an act. Waits for the record of one that was done by somebody known, up to `commit-deadline`.
    pub async fn record(&self, act: Act) {
        let waits = act.counts() && act.outcome == Outcome::Done;
        let Some(stored) = self.queue(act) else { return };
        // A task of its own: it counts a loss even if the client has gone.
        let stored = actix_rt::spawn(stored);
        if waits {
            _ = tokio::time::timeout(self.0.patience, stored).await;
        }
    }

    /// Records an act of a request that is being dropped. A loss is not counted.
    pub fn record_at_once(&self, act: Act) {
        drop(self.queue(act));
    }

    /// `None` for one refusal too many. The future tells of a loss.
    fn queue(&self, act: Act) -> Option<impl Future<Output = ()> + use<>> {
        if !act.counts() && !self.admits(&act) {
            self.0.counters.skipped.increment(1);
            return None;
        }
        self.0.counters.record(act.outcome);
        let lost = self.0.counters.lost.clone();
        let record = Record::new(act);
        record.act.log();
        let (id, request_id) = (record.id, record.act.request_id.clone());
        let place = Place::take(&self.0);
        let stored = place.is_some().then(|| self.0.writer.commit(record));
        Some(async move {
            let stored = match stored {
                Some(stored) => stored.await.map_err(|error| error.to_string()),
                None => Err(format!("{MOST_WAITING} records wait")),
            };
            drop(place);
            if let Err(error) = stored {
                lost.increment(1);
                tracing::error!(%id, %request_id, %error, "a record of the audit trail is in the log only");
            }
        })
    }

    fn admits(&self, act: &Act) -> bool {
        let mut refusals = self.0.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.admit(act.source, Instant::now())
    }

    /// Lists at most `limit` records before `before`, newest first.
    pub async fn list(
        &self,
        filter: &Filter,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, DbError> {
        store::list(&self.0.database.connection().await?, filter, before, limit).await
    }

    /// Later calls fail.
    pub fn close(&self) {
        self.0.database.close();
    }
}

/// One of the records on their way.
struct Place(Arc<Inner>);

impl Place {
    fn take(trail: &Arc<Inner>) -> Option<Self> {
        let place = Self(Arc::clone(trail));
        (trail.waiting.fetch_add(1, Ordering::Relaxed) < MOST_WAITING).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drainable for AuditTrail {
    fn drain(&self, limit: Duration) -> LocalBoxFuture<'_, bool> {
        Box::pin(self.0.writer.drain(limit))
    }
}
