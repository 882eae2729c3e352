//! Finds the processes that use a data folder.
//!
//! Both servers make their data folder their working directory, and so do the backends of PostgreSQL. The
//! working directory is better evidence than `postmaster.pid`: a pid in a file may belong to a zombie or,
//! after a reboot, to another program. Backends that outlived a killed postmaster still write and are in no
//! file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::ServerError;

/// The live processes with the working directory `folder`. Processes of other accounts are visible to root
/// only.
pub fn processes_in(folder: &Path) -> Vec<i32> {
    let Ok(folder) = folder.canonicalize() else {
        return Vec::new();
    };
    super::ports::process_ids()
        .filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder))
        .collect()
}

/// Waits until the last process has left `folder`. A server whose parent died a moment ago may still run.
///
/// # Errors
/// [`ServerError::InUse`] after `within`, with the lowest process id, which is the server.
pub async fn wait_until_vacant(folder: &Path, within: Duration) -> Result<(), ServerError> {
    let deadline = Instant::now() + within;
    while let Some(pid) = processes_in(folder).into_iter().min() {
        if Instant::now() >= deadline {
            return Err(ServerError::InUse { folder: folder.to_path_buf(), pid });
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
