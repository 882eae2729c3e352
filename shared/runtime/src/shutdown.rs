//! All stages share one [`Deadline`], so a server that hangs delays the shutdown once.

use std::{future::Future, process::ExitCode, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::Instant,
};

/// The reason for the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// SIGTERM or SIGINT.
    Signal(&'static str),
    Fault(String),
}

impl Cause {
    /// 0 after a signal, 1 after a fault.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Signal(_) => ExitCode::SUCCESS,
            Self::Fault(_) => ExitCode::FAILURE,
        }
    }
}

/// Ends the process; shared by all parts.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<watch::Sender<Option<Cause>>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Shutdown {
    /// Ends the process with a fault. The first cause wins.
    pub fn fail(&self, why: String) {
        tracing::error!(%why, "fault: this process ends");
        self.begin(Cause::Fault(why));
    }

    /// Readiness is off then.
    pub fn has_begun(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits until [`has_begun`](Self::has_begun).
    pub async fn begun(&self) {
        // The sender lives as long as `self`.
        _ = self.0.subscribe().wait_for(Option::is_some).await;
    }

    /// Waits for SIGTERM, SIGINT or a fault.
    pub async fn wait(&self) -> std::io::Result<Cause> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut causes = self.0.subscribe();
        tokio::select! {
            () = received(&mut terminate) => self.begin(Cause::Signal("SIGTERM")),
            () = received(&mut interrupt) => self.begin(Cause::Signal("SIGINT")),
            _ = causes.wait_for(Option::is_some) => {}
        }
        let cause = self.0.borrow().clone();
        Ok(cause.unwrap_or(Cause::Signal("SIGTERM")))
    }

    fn begin(&self, cause: Cause) {
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(cause);
            first
        });
    }
}

/// The end of `shutdown-timeout`.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// Starts `shutdown-timeout`.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// The time left.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// `drained` yields whether the stage was in time.
    pub async fn stage(&self, name: &str, drained: impl Future<Output = bool>) {
        if drained.await {
            tracing::debug!(stage = name, "stage finished");
        } else {
            tracing::warn!(stage = name, "stage timed out; its work is pending in Redis, or in the database");
        }
    }
}

async fn received(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
