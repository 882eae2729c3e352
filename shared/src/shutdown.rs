//! What ends the process, and how long it may take.
//!
//! Either a signal (SIGTERM, SIGINT) or a fault no restart could mend. The composition root waits for one of them and then
//! takes the service down in the order of promise 9: readiness off, requests finish, consumers finish and ack, the relay
//! flushes, exit 0 (a fault: non-zero).

use std::{process::ExitCode, sync::Arc};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
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
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
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

async fn received(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
