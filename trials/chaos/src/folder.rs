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

/// Dropping removes the folder unless it is kept.
#[derive(Debug)]
pub struct RunFolder {
    // Dropped first, which unmounts the disk.
    disk: Option<SmallDisk>,
    dir: TempDir,
}

impl RunFolder {
    pub fn new() -> Result<Self, ChaosError> {
        let dir = scratch_dir()?;
        fs::create_dir(dir.path().join("logs")).map_err(ChaosError::io("create a folder for logs"))?;
        Ok(Self { disk: None, dir })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    #[must_use]
    pub fn client_log(&self) -> PathBuf {
        self.path().join("client.log")
    }

    pub fn keep(&mut self) {
        self.dir.disable_cleanup(true);
    }

    pub fn shrink_disk(&mut self) -> Result<(), ChaosError> {
        self.disk = Some(SmallDisk::mount(self.path().join("postgres"))?);
        Ok(())
    }

    #[must_use]
    pub fn disk(&self) -> Option<&SmallDisk> {
        self.disk.as_ref()
    }

    /// One file for each instance over all restarts, such as `logs/payment-2.log`.
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
            // Ignored: a full disk must not end the run.
            _ = files.get_mut(&service).map(|file| writeln!(file, "{line}"));
        })
    }
}
