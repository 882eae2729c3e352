use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ports::Holder;

/// The failure of a private server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("`{program}` is not installed ({hint})")]
    NotInstalled {
        program: &'static str,
        /// The package or variable to set.
        hint: &'static str,
    },
    #[error("a server cannot run as root, and the accounts `postgres` and `nobody` do not exist")]
    NoAccount,
    #[error(
        "the account `{account}` cannot write to {folder}; \
         open every folder above to the account, or choose a folder outside of root's home"
    )]
    Unreachable {
        /// The server's account.
        account: String,
        folder: PathBuf,
    },
    #[error("the data folder {folder} is in use by process {pid}; stop it first, or choose another folder")]
    InUse {
        /// The data folder.
        folder: PathBuf,
        pid: i32,
    },
    /// Versions before passwords let every account of the machine in.
    #[error(
        "the data folder {folder} was made by a version whose servers had no password; choose another folder, \
         or start from nothing: shopctl up --fresh deletes it and makes a new one"
    )]
    NoPassword {
        /// The data folder.
        folder: PathBuf,
    },
    #[error("port {port} for {server} is taken: {holder}")]
    PortTaken {
        /// The server that needs the port.
        server: &'static str,
        port: u16,
        holder: Holder,
    },
    #[error("{server} did not start ({reason}); the last lines of {}:\n{tail}", log.display())]
    DidNotStart {
        server: &'static str,
        /// The exit status.
        reason: String,
        log: PathBuf,
        tail: String,
    },
    #[error("{server} was not ready within {within:?}; the last lines of {}:\n{tail}", log.display())]
    NotReady {
        server: &'static str,
        /// The deadline.
        within: Duration,
        log: PathBuf,
        tail: String,
    },
    #[error("the private PostgreSQL refused a statement or a connection")]
    Sql(#[from] tokio_postgres::Error),
    #[error("cannot {what}")]
    Io {
        /// The operation.
        what: String,
        source: io::Error,
    },
}

impl ServerError {
    pub(super) fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |source| Self::Io { what, source }
    }
}
