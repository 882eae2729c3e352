use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use servers::ServerError;
use servers::ports::Holder;

use super::ServiceId;

/// The reason why the stack or a service cannot be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A private server failed.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The program of the service is missing.
    #[error(
        "the program `{name}` is not beside this one (looked in {}); build it: cargo build --workspace",
        folders(searched)
    )]
    NoBinary {
        /// The program.
        name: &'static str,
        /// The searched folders.
        searched: Vec<PathBuf>,
    },
    /// The port of the service is taken.
    #[error("{address} for {service} is {holder}")]
    PortTaken {
        /// The service.
        service: ServiceId,
        /// The address of the service.
        address: SocketAddr,
        /// The process that listens there.
        holder: Holder,
    },
    /// The program of the service cannot be started.
    #[error("cannot run {service}")]
    NotRun {
        /// The service.
        service: ServiceId,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The service ended during its start.
    #[error("{service} ended while it started ({status}); its last lines:\n{tail}")]
    Ended {
        /// The service.
        service: ServiceId,
        /// The exit status.
        status: ExitStatus,
        /// The last lines of its log.
        tail: String,
    },
    /// The service runs and did not become ready in time.
    #[error("{service} was not ready within {within:?} ({missing}); its last lines:\n{tail}")]
    NotReady {
        /// The service.
        service: ServiceId,
        /// The deadline that passed.
        within: Duration,
        /// The missing condition.
        missing: String,
        /// The last lines of its log.
        tail: String,
    },
    /// The service did not end after SIGTERM, and was killed.
    #[error("{service} did not end within {within:?} of SIGTERM; its last lines:\n{tail}")]
    NotEnded {
        /// The service.
        service: ServiceId,
        /// The deadline that passed.
        within: Duration,
        /// The last lines of its log.
        tail: String,
    },
    /// The instance was never started.
    #[error("{0} was never started")]
    Unknown(ServiceId),
    /// No port is free.
    #[error("cannot find a free port")]
    NoPort(#[source] io::Error),
}

fn folders(searched: &[PathBuf]) -> String {
    searched.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}
