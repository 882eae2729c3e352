use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use servers::account::scratch_dir;
use tempfile::TempDir;

use super::ChaosError;
use super::small_disk::SmallDisk;
use ctl::stack::{ServiceId, Sink};

/// Everything a run leaves: the servers' data, the services' logs, the client log. Removed with the value,
/// unless kept.
#[derive(Debug)]
pub struct RunFolder {
    // Unmounted before the folder is removed.
    disk: Option<SmallDisk>,
    dir: TempDir,
}

impl RunFolder {
    /// A new one in the system's temporary folder.
    ///
    /// # Errors
    /// [`ChaosError::Io`].
    pub fn new() -> Result<Self, ChaosError> {
        let dir = scratch_dir()?;
        fs::create_dir(dir.path().join("logs")).map_err(ChaosError::io("create a folder for logs"))?;
        Ok(Self { disk: None, dir })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// What the clients did and saw.
    #[must_use]
    pub fn client_log(&self) -> PathBuf {
        self.path().join("client.log")
    }

    /// Keeps it after the end.
    pub fn keep(&mut self) {
        self.dir.disable_cleanup(true);
    }

    /// Where PostgreSQL's data will be: on a disk of its own that is soon full.
    ///
    /// # Errors
    /// As [`SmallDisk::mount`].
    pub fn shrink_disk(&mut self) -> Result<(), ChaosError> {
        self.disk = Some(SmallDisk::mount(self.path().join("postgres"))?);
        Ok(())
    }

    /// That disk.
    #[must_use]
    pub fn disk(&self) -> Option<&SmallDisk> {
        self.disk.as_ref()
    }

    /// Writes the lines of each instance to `logs/payment-2.log`, over all its lives.
    #[must_use]
    pub fn sink(&self) -> Sink {
        let folder = self.path().join("logs");
        let files: Mutex<BTreeMap<ServiceId, File>> = Mutex::default();
        Sink::new(move |service, line| {
            let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
            if !files.contains_key(&service)
                && let Ok(file) = File::create(folder.join(format!("{service}.log")))
            {
                files.insert(service, file);
            }
            // A full disk must not end the run; the log is for people only.
            _ = files.get_mut(&service).map(|file| writeln!(file, "{line}"));
        })
    }
}
