use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ports::Holder;

/// The reason why a private server could not be started or used.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A program is missing on this machine.
    #[error("`{program}` is not installed ({hint})")]
    NotInstalled {
        /// The missing program.
        program: &'static str,
        /// The package to install or the variable to set.
        hint: &'static str,
    },
    /// Root starts a server, and no unprivileged account exists.
    #[error("a server cannot run as root, and the accounts `postgres` and `nobody` do not exist")]
    NoAccount,
    /// The account of the servers cannot enter the data folder.
    #[error(
        "the account `{account}` cannot write to {folder}; \
         open every folder above to the account, or choose a folder outside of root's home"
    )]
    Unreachable {
        /// The account of the server.
        account: String,
        /// The data folder.
        folder: PathBuf,
    },
    /// Another server uses the data folder.
    #[error("the data folder {folder} is in use by process {pid}; stop it first, or choose another folder")]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that uses the folder.
        pid: i32,
    },
    /// The wanted port is taken.
    #[error("port {port} for {server} is taken: {holder}")]
    PortTaken {
        /// The server that needs the port.
        server: &'static str,
        /// The port.
        port: u16,
        /// The process that holds the port.
        holder: Holder,
    },
    /// The server ended during its start.
    #[error("{server} did not start ({reason}); the last lines of {}:\n{tail}", log.display())]
    DidNotStart {
        /// The server.
        server: &'static str,
        /// The exit status.
        reason: String,
        /// The log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The server runs and has not answered in time.
    #[error("{server} was not ready within {within:?}; the last lines of {}:\n{tail}", log.display())]
    NotReady {
        /// The server.
        server: &'static str,
        /// The deadline that passed.
        within: Duration,
        /// The log file.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// PostgreSQL refused a statement or a connection.
    #[error("the private PostgreSQL refused a statement or a connection")]
    Sql(#[from] tokio_postgres::Error),
    /// The operating system refused an operation.
    #[error("cannot {what}")]
    Io {
        /// The operation.
        what: String,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl ServerError {
    /// For `map_err`: names the operation and the path.
    pub(super) fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |source| Self::Io { what, source }
    }
}
