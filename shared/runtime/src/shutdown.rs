//! What ends the process, and how long it may take.
//!
//! Either a signal (SIGTERM, SIGINT) or a fault no restart could mend. The composition root waits for one of
//! them and then takes the service down in the order of promise 9: readiness off, requests finish, consumers
//! finish and ack, the relay flushes, exit 0 (a fault: non-zero). All stages share one [`Deadline`]: a server
//! that hangs makes the first of them late, and no later one longer.

use std::{future::Future, process::ExitCode, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::Instant,
};

/// Why the process ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An operator asked.
    Signal(&'static str),
    /// A fault: the exit code is non-zero.
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

/// Shared by everything that can ask for the end, or must know that it has come.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<watch::Sender<Option<Cause>>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Shutdown {
    /// Ends the process because of a fault. The first cause wins.
    pub fn fail(&self, why: String) {
        tracing::error!(%why, "this process cannot go on");
        self.begin(Cause::Fault(why));
    }

    /// Whether the end has begun: readiness is off.
    pub fn has_begun(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Waits for SIGTERM, SIGINT or a fault.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
    pub async fn wait(&self) -> std::io::Result<Cause> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
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

/// When everything must be down.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// `limit` from now: `shutdown-timeout`.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// What a stage that begins now may take.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Waits for a stage that was given the time that is [`left`](Self::left); it says whether it was in
    /// time. Who is late is named.
    pub async fn stage(&self, name: &str, drained: impl Future<Output = bool>) {
        if drained.await {
            tracing::debug!(stage = name, "finished");
        } else {
            tracing::warn!(
                stage = name,
                "did not finish in time; what it held is pending, or in the database"
            );
        }
    }
}

async fn received(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
