use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use servers::ServerError;
use servers::ports::Holder;

use super::ServiceId;

#[derive(Debug, thiserror::Error)]
pub enum StackError {
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(
        "the program `{name}` is not beside this one (looked in {}); build it: cargo build --workspace",
        folders(searched)
    )]
    NoBinary {
        name: &'static str,
        /// Searched folders.
        searched: Vec<PathBuf>,
    },
    #[error("{address} for {service} is {holder}")]
    PortTaken {
        service: ServiceId,
        address: SocketAddr,
        /// Process that listens there.
        holder: Holder,
    },
    #[error("cannot run {service}")]
    NotRun {
        service: ServiceId,
        /// Error of the operating system.
        source: io::Error,
    },
    #[error("{service} ended while it started ({status}); its last lines:\n{tail}")]
    Ended {
        service: ServiceId,
        status: ExitStatus,
        /// Last lines of its log.
        tail: String,
    },
    /// The service runs, but was not ready in time.
    #[error("{service} was not ready within {within:?} ({missing}); its last lines:\n{tail}")]
    NotReady {
        service: ServiceId,
        within: Duration,
        /// Missing condition.
        missing: String,
        tail: String,
    },
    #[error("{service} did not end within {within:?} of SIGTERM; its last lines:\n{tail}")]
    NotEnded {
        service: ServiceId,
        /// Deadline that passed.
        within: Duration,
        tail: String,
    },
    #[error("{0} was never started")]
    Unknown(ServiceId),
    #[error("cannot find a free port")]
    NoPort(#[source] io::Error),
}

fn folders(searched: &[PathBuf]) -> String {
    searched.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
