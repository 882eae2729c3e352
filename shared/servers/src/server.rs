//! The common part of starting PostgreSQL and Redis.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::ServerError;
use super::account;
use super::child::Child;
use super::log_file::LogFile;
use super::ports;

/// For the replay of the log after a kill.
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// Another process may take a port before the server binds it.
const PORT_ATTEMPTS: usize = 5;

pub fn launch(mut command: Command, log: &mut LogFile) -> Result<Child, ServerError> {
    let (stdout, stderr) = log.open()?;
    command.stdout(stdout).stderr(stderr);
    let (child, _) = Child::spawn(command).map_err(account::not_started)?;
    Ok(child)
}

pub async fn ready(
    name: &'static str,
    child: &Child,
    log: &LogFile,
    answers: impl AsyncFn() -> bool,
) -> Result<(), ServerError> {
    let answered = async {
        while !answers().await {
            sleep(POLL).await;
        }
    };
    tokio::select! {
        status = child.exited() => Err(did_not_start(name, status.to_string(), log)),
        outcome = timeout(READY_WITHIN, answered) => outcome.map_err(|_| ServerError::NotReady {
            server: name,
            within: READY_WITHIN,
            log: log.path().to_path_buf(),
            tail: log.tail(),
        }),
    }
}

pub fn did_not_start(server: &'static str, reason: String, log: &LogFile) -> ServerError {
    ServerError::DidNotStart { server, reason, log: log.path().to_path_buf(), tail: log.tail() }
}

/// The wanted port, or several free ones.
pub fn candidates(server: &'static str, wanted: Option<u16>) -> Result<Vec<u16>, ServerError> {
    let Some(port) = wanted else {
        let free = (0..PORT_ATTEMPTS).map(|_| ports::free_port()).collect::<Result<_, _>>();
        return free.map_err(|source| ServerError::Io { what: "find a free port".to_owned(), source });
    };
    match ports::who_holds(port) {
        Some(holder) => Err(ServerError::PortTaken { server, port, holder }),
        None => Ok(vec![port]),
    }
}

pub fn port_was_taken(error: &ServerError, log: &LogFile) -> bool {
    matches!(error, ServerError::DidNotStart { .. }) && log.since_start().contains("Address already in use")
}

pub fn absolute(data_dir: &Path) -> Result<PathBuf, ServerError> {
    std::path::absolute(data_dir).map_err(ServerError::io("find", data_dir))
}
