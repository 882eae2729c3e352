use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ports::Holder;

/// Why a private server could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A program is not on this machine.
    #[error("`{program}` is not installed ({hint})")]
    NotInstalled {
        /// The program that was looked for.
        program: &'static str,
        /// What to install or set.
        hint: &'static str,
    },
    /// Started by root, and there is no account to run a server as.
    #[error("running as root, and neither the account `postgres` nor `nobody` exists to run a server as")]
    NoAccount,
    /// The account of the servers cannot enter the data folder.
    #[error(
        "the account `{account}` cannot write to {folder}: every folder above it must be open to it (root's home is not)"
    )]
    Unreachable {
        /// The account the server would run as.
        account: String,
        /// The data folder.
        folder: PathBuf,
    },
    /// Another server works in the data folder.
    #[error("the data folder {folder} is in use by process {pid}; stop it first, or choose another folder")]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that works in it.
        pid: i32,
    },
    /// The wanted port is taken.
    #[error("port {port} for {server} is taken: {holder}")]
    PortTaken {
        /// The server that wanted it.
        server: &'static str,
        /// The port.
        port: u16,
        /// Who holds it.
        holder: Holder,
    },
    /// The server ended while it started.
    #[error("{server} did not start ({reason}); the last lines of {}:\n{tail}", log.display())]
    DidNotStart {
        /// The server.
        server: &'static str,
        /// How it ended.
        reason: String,
        /// Its log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The server runs, and did not answer in time.
    #[error("{server} was not ready within {within:?}; the last lines of {}:\n{tail}", log.display())]
    NotReady {
        /// The server.
        server: &'static str,
        /// The deadline that passed.
        within: Duration,
        /// Its log file.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// PostgreSQL refused a statement or a connection.
    #[error("the private PostgreSQL refused")]
    Sql(#[from] tokio_postgres::Error),
    /// The operating system refused something.
    #[error("cannot {what}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl ServerError {
    /// For `map_err`: names what was tried on which path.
    pub(super) fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |source| Self::Io { what, source }
    }
}
