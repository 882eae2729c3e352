use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::ChaosError;

/// Room for a fresh cluster with three databases (60 MB), its write-ahead log, and some orders.
const SIZE: &str = "size=256m";

/// A file system in memory. Mounting needs root, and dropping unmounts it.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Creates the folder `at`. Fails without the right to mount.
    pub fn mount(at: PathBuf) -> Result<Self, ChaosError> {
        fs::create_dir_all(&at).map_err(ChaosError::io(format!("create {}", at.display())))?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(&at).output();
        match mounted {
            Ok(Output { status, .. }) if status.success() => Ok(Self { at }),
            Ok(Output { stderr, .. }) => Err(impossible(&String::from_utf8_lossy(&stderr))),
            Err(error) => Err(impossible(&error.to_string())),
        }
    }

    /// Returns the bytes written.
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

    pub fn free(&self) -> Result<(), ChaosError> {
        fs::remove_file(self.filler()).map_err(ChaosError::io(format!("empty {}", self.at.display())))
    }

    fn filler(&self) -> PathBuf {
        Path::new(&self.at).join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a server may still be ending. A failure has no remedy.
        _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
    }
}

fn impossible(why: &str) -> ChaosError {
    ChaosError::Impossible(format!("disk-full needs a small disk, which only root may mount: {}", why.trim()))
}
