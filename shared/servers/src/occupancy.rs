//! Finds the users of a data folder by their working directory: a pid file may name another program, and
//! misses orphaned backends.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::ServerError;

/// Processes of other accounts are visible to root only.
pub fn processes_in(folder: &Path) -> Vec<i32> {
    let Ok(folder) = folder.canonicalize() else {
        return Vec::new();
    };
    super::ports::process_ids()
        .filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder))
        .collect()
}

/// Waits until `folder` has no users.
///
/// # Errors
/// [`ServerError::InUse`] with the lowest process id, the server's.
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
