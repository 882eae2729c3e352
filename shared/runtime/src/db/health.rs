use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{DbError, Fault};

/// An error without a statement cannot be checked again; it expires within the 5 s of invariant I14.
const UNFIT_EXPIRY: Duration = Duration::from_secs(5);

/// Limit without a commit of any request. With `commit-deadline` (2 s) it stays within the 5 s of I14.
const STALL_LIMIT: Duration = Duration::from_secs(3);

/// Longer than a load balancer keeps requests from an unready instance.
const STALL_EXPIRY: Duration = Duration::from_secs(30);

/// Shared by all pools of a [`Database`](super::Database).
#[derive(Debug, Default)]
pub(super) struct Health {
    generation: AtomicU64,
    unfit: Mutex<Option<UnfitStatement>>,
    commit_stall: Mutex<Option<CommitStall>>,
}

/// Requests arrive, but no commit succeeds; a locked table, for example.
#[derive(Debug)]
struct CommitStall {
    writer: &'static str,
    since: Instant,
    last_failure: Instant,
    error: String,
}

#[derive(Debug, Clone)]
pub(super) struct UnfitStatement {
    at: Instant,
    pub message: String,
    /// Set if preparing it failed: then it can be checked again.
    pub statement: Option<String>,
}

impl Health {
    /// Older sessions are discarded.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Further errors of the same generation have no effect.
    pub(super) fn begin_generation_after(&self, generation: u64) {
        _ = self.generation.compare_exchange(
            generation,
            generation + 1,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

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

    /// `failure`: the batch failed as a whole.
    pub(super) fn record_batch(&self, writer: &'static str, failure: Option<String>) {
        let mut commit_stall = self.commit_stall.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = commit_stall.as_ref().filter(|earlier| earlier.last_failure.elapsed() <= STALL_EXPIRY);
        let since = earlier.map_or_else(Instant::now, |earlier| earlier.since);
        let last_failure = Instant::now();
        *commit_stall = failure.map(|error| CommitStall { writer, since, last_failure, error });
    }

    /// Without requests the instance is ready again: only a request can show that the cause is gone.
    pub(super) fn commit_stall(&self) -> Option<String> {
        let commit_stall = self.commit_stall.lock().unwrap_or_else(PoisonError::into_inner);
        let lasting = commit_stall
            .as_ref()
            .filter(|now| now.since.elapsed() >= STALL_LIMIT && now.last_failure.elapsed() <= UNFIT_EXPIRY);
        lasting.map(|now| {
            format!(
                "the writer {} has committed nothing for {} s: {}",
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
