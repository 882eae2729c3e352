//! The health of a database as the sessions of this process have seen it.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{DbError, Fault};

/// A unfit about a statement that cannot be tried again by itself counts for that long after it came up
/// last: as long as an instance that cannot do its work may be ready (I14).
const UNFIT_EXPIRY: Duration = Duration::from_secs(5);

/// An instance that commits no request for this long is not ready; with `commit-deadline` (2 s) that is said
/// within 5 s (I14).
const STALL_LIMIT: Duration = Duration::from_secs(3);

/// A failure that was the last try for so long is no part of the next commit_stall. Longer than an instance
/// that is not ready is not asked.
const STALL_EXPIRY: Duration = Duration::from_secs(30);

/// Shared by all pools of a [`Database`].
#[derive(Debug, Default)]
pub(super) struct Health {
    generation: AtomicU64,
    unfit: Mutex<Option<UnfitStatement>>,
    commit_stall: Mutex<Option<CommitStall>>,
}

/// A writer that requests wait for has committed nothing since: a table is locked, or something like it.
#[derive(Debug)]
struct CommitStall {
    writer: &'static str,
    since: Instant,
    last_failure: Instant,
    error: String,
}

/// A statement that an operator must make possible again.
#[derive(Debug, Clone)]
pub(super) struct UnfitStatement {
    at: Instant,
    pub message: String,
    /// Its text, if it could not even be prepared: then it can be tried.
    pub statement: Option<String>,
}

impl Health {
    /// Counts how often a session turned out to be of no use. Sessions that are older than the last time are
    /// thrown away.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Only the first unfit about a generation ends it.
    pub(super) fn begin_generation_after(&self, generation: u64) {
        _ = self.generation.compare_exchange(
            generation,
            generation + 1,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// Remembers what only an operator can mend.
    pub(super) fn record_unfit(&self, error: &DbError, statement: Option<&str>) {
        if error.fault != Fault::Unfit {
            return;
        }
        let mut unfit = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        if statement.is_some() || unfit.as_ref().is_none_or(|earlier| earlier.statement.is_none()) {
            *unfit = Some(UnfitStatement {
                at: Instant::now(),
                message: error.message.clone(),
                statement: statement.map(str::to_owned),
            });
        }
    }

    /// Notes the end of a batch that requests wait for: why nothing of it was committed, or `None`.
    pub(super) fn record_batch(&self, writer: &'static str, failure: Option<String>) {
        let mut commit_stall = self.commit_stall.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = commit_stall.as_ref().filter(|earlier| earlier.last_failure.elapsed() <= STALL_EXPIRY);
        let (since, last_failure) =
            (earlier.map_or_else(Instant::now, |earlier| earlier.since), Instant::now());
        *commit_stall = failure.map(|error| CommitStall { writer, since, last_failure, error });
    }

    /// As long as somebody tries: who is not ready is not asked, and has to be asked to find out.
    pub(super) fn commit_stall(&self) -> Option<String> {
        let commit_stall = self.commit_stall.lock().unwrap_or_else(PoisonError::into_inner);
        let lasting = commit_stall
            .as_ref()
            .filter(|now| now.since.elapsed() >= STALL_LIMIT && now.last_failure.elapsed() <= UNFIT_EXPIRY);
        lasting.map(|now| {
            format!(
                "nothing of {} was committed for {} s: {}",
                now.writer,
                now.since.elapsed().as_secs(),
                now.error
            )
        })
    }

    pub(super) fn unfit(&self) -> Option<UnfitStatement> {
        let mut unfit = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        unfit.take_if(|unfit| unfit.statement.is_none() && unfit.at.elapsed() > UNFIT_EXPIRY);
        unfit.clone()
    }

    pub(super) fn clear_unfit(&self) {
        *self.unfit.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
