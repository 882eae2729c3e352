use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use servers::ServerError;
use servers::ports::Holder;

use super::ServiceId;

/// Why the stack, or a service of it, could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A private server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The service's program was not built.
    #[error(
        "the program `{name}` is not beside this one (looked in {}); build it: cargo build --workspace",
        folders(searched)
    )]
    NoBinary {
        /// The program.
        name: &'static str,
        /// The folders that were searched.
        searched: Vec<PathBuf>,
    },
    /// The service's port is taken.
    #[error("{address} for {service} is {holder}")]
    PortTaken {
        /// The service.
        service: ServiceId,
        /// The address it should have listened on.
        address: SocketAddr,
        /// Who listens there.
        holder: Holder,
    },
    /// The service's program could not be run at all.
    #[error("cannot run {service}")]
    NotRun {
        /// The service.
        service: ServiceId,
        /// What the system said.
        source: io::Error,
    },
    /// The service ended while it started.
    #[error("{service} ended while it started ({status}); its last lines:\n{tail}")]
    Ended {
        /// The service.
        service: ServiceId,
        /// How it ended.
        status: ExitStatus,
        /// What it logged last.
        tail: String,
    },
    /// The service runs, and was not ready in time.
    #[error("{service} was not ready within {within:?} ({missing}); its last lines:\n{tail}")]
    NotReady {
        /// The service.
        service: ServiceId,
        /// The deadline that passed.
        within: Duration,
        /// What was waited for.
        missing: String,
        /// What it logged last.
        tail: String,
    },
    /// The service did not end after SIGTERM, and was killed.
    #[error("{service} did not end within {within:?} of SIGTERM; its last lines:\n{tail}")]
    NotEnded {
        /// The service.
        service: ServiceId,
        /// The deadline that passed.
        within: Duration,
        /// What it logged last.
        tail: String,
    },
    /// There is no such instance.
    #[error("{0} was never started")]
    Unknown(ServiceId),
    /// No free port.
    #[error("cannot find a free port")]
    NoPort(#[source] io::Error),
}

fn folders(searched: &[PathBuf]) -> String {
    searched.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
