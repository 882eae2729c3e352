use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::ChaosError;

/// Room for a fresh cluster with three databases (60 MB) and its write-ahead log, and some orders.
const SIZE: &str = "size=256m";

/// A file system in memory that can be filled. Needs root. Dropping it unmounts it.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Makes the folder `at`, and mounts it there.
    ///
    /// # Errors
    /// [`ChaosError::Impossible`] when this account may not mount.
    pub fn mount(at: PathBuf) -> Result<Self, ChaosError> {
        fs::create_dir_all(&at).map_err(ChaosError::io(format!("create {}", at.display())))?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(&at).output();
        match mounted {
            Ok(Output { status, .. }) if status.success() => Ok(Self { at }),
            Ok(Output { stderr, .. }) => Err(impossible(&String::from_utf8_lossy(&stderr))),
            Err(error) => Err(impossible(&error.to_string())),
        }
    }

    /// Takes all the room there is. How many bytes that was.
    ///
    /// # Errors
    /// [`ChaosError::Io`] when it cannot be filled.
    pub fn fill(&self) -> Result<u64, ChaosError> {
        let failed = || ChaosError::io(format!("fill {}", self.at.display()));
        let mut filler = File::create(self.filler()).map_err(failed())?;
        for size in [1 << 20, 4096, 1] {
            let piece = vec![0; size];
            loop {
                match filler.write(&piece) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(failed()(error)),
                }
            }
        }
        Ok(filler.metadata().map_err(failed())?.len())
    }

    /// Gives it back.
    ///
    /// # Errors
    /// [`ChaosError::Io`].
    pub fn free(&self) -> Result<(), ChaosError> {
        fs::remove_file(self.filler()).map_err(ChaosError::io(format!("empty {}", self.at.display())))
    }

    fn filler(&self) -> PathBuf {
        Path::new(&self.at).join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is still ending keeps what it needs. Nothing can be done about a failure.
        _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
    }
}

fn impossible(why: &str) -> ChaosError {
    ChaosError::Impossible(format!(
        "a full disk needs a small one, and only root may mount it: {}",
        why.trim()
    ))
}
