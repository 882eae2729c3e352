//! Whether a data folder is in use.
//!
//! Both servers make their data folder their working directory, and so do PostgreSQL's backends. That is a
//! better witness than `postmaster.pid`: a pid in a file may be a zombie nobody reaps or, after a reboot,
//! another program; and backends that outlived a killed postmaster are in no file at all, although they still
//! write.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::ServerError;

/// The live processes that work in `folder`. Processes of other accounts are invisible unless we are root.
pub fn processes_in(folder: &Path) -> Vec<i32> {
    let Ok(folder) = folder.canonicalize() else {
        return Vec::new();
    };
    super::ports::process_ids()
        .filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder))
        .collect()
}

/// Waits until nobody works in `folder`: a server that lost its parent a moment ago is still on its way out.
///
/// # Errors
/// [`ServerError::InUse`] with the lowest process id, the server's own, when somebody still does after
/// `within`.
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
