use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use servers::wait_until_vacant;

use crate::state::{AlreadyRunning, Credentials, Running, StackState, StateError};

const LOCK: &str = "lock";
/// Time for orphaned servers to end.
const VACANT_WITHIN: Duration = Duration::from_secs(8);

/// Locked by this process.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// The lock ends with the process.
    _lock: File,
}

impl DataFolder {
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
        let unusable = || format!("cannot lock {}", path.display());
        // The file of a running stack holds its pid: it is emptied under the lock only.
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK));
        let lock = lock.with_context(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(already_running(path).into()),
            Err(TryLockError::Error(error)) => return Err(error).with_context(unusable),
        }
        lock.set_len(0).and_then(|()| write!(&lock, "{}", std::process::id())).with_context(unusable)?;
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// Removes data of `shopctl up` only: other files of a folder given by mistake stay.
    pub async fn clear(&self) -> anyhow::Result<()> {
        let postgres = self.path.join("postgres");
        let redis = self.path.join("redis");
        wait_until_vacant(&postgres.join("cluster"), VACANT_WITHIN).await?;
        wait_until_vacant(&redis, VACANT_WITHIN).await?;
        for gone in [
            fs::remove_dir_all(postgres),
            fs::remove_dir_all(redis),
            fs::remove_file(self.path.join("stack.json")),
        ] {
            match gone {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot empty {}", self.path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Written at once: the database will hold the accounts.
    pub fn state(&self) -> Result<StackState, StateError> {
        let kept = StackState::read(&self.path)?.map(|state| state.credentials);
        let state = StackState { credentials: kept.unwrap_or_else(Credentials::random), running: None };
        self.write(&state)?;
        Ok(state)
    }

    pub fn write(&self, state: &StackState) -> Result<(), StateError> {
        state.write(&self.path)
    }
}

fn already_running(path: &Path) -> AlreadyRunning {
    let pid = fs::read_to_string(path.join(LOCK)).ok().and_then(|text| text.parse().ok());
    let running = StackState::read(path).ok().flatten().and_then(|state| state.running);
    // A killed stack leaves its entry.
    let running = running.filter(|running| Some(running.pid) == pid);
    let urls = |Running { user_url, inventory_url, payment_url, console_url, .. }| {
        let services = [("user", user_url), ("inventory", inventory_url), ("payment", payment_url)];
        services.into_iter().chain(console_url.map(|url| ("console", url))).collect::<BTreeMap<_, _>>()
    };
    AlreadyRunning { pid, data_dir: path.to_path_buf(), urls: running.map(urls).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fresh_start_removes_only_what_up_made() {
        let dir = servers::account::scratch_dir().expect("a folder");
        fs::write(dir.path().join("letter.txt"), "mine").expect("written");
        fs::create_dir_all(dir.path().join("postgres/cluster")).expect("made");
        let folder = DataFolder::open(dir.path()).expect("open");
        let first = folder.state().expect("a state");
        assert_eq!(folder.state().expect("the same"), first);

        folder.clear().await.expect("cleared");

        assert!(dir.path().join("letter.txt").exists());
        assert!(!dir.path().join("postgres").exists());
        assert_ne!(folder.state().expect("a new one").credentials, first.credentials);
    }

    #[test]
    fn a_folder_is_held_by_one_stack_at_a_time() {
        let dir = servers::account::scratch_dir().expect("a folder");
        let held = DataFolder::open(dir.path()).expect("open");
        let error = DataFolder::open(dir.path()).expect_err("held").to_string();
        let pid = std::process::id();
        assert!(error.contains(&format!("is starting already (pid {pid})")), "{error}");
        drop(held);
        DataFolder::open(dir.path()).expect("free again");
    }
}
