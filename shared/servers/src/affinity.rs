//! CPU affinity: the last core for a load, the other cores for the stack. A load on the cores of the stack
//! would measure itself.

use std::process::{Command, Stdio};
use std::thread::available_parallelism;

/// The reason why the processes cannot be separated.
#[derive(Debug, thiserror::Error)]
pub enum AffinityError {
    /// The machine has a single core.
    #[error("an overload test needs two cores: one for the load, one for the stack")]
    OneCore,
    /// `taskset`, which pins processes to cores, is missing.
    #[error("an overload test needs `taskset` (package util-linux)")]
    NoTaskset(#[source] std::io::Error),
}

/// The cores of this machine, divided between stack and load.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    last: usize,
}

impl Cores {
    /// Assigns the last core to the load and all others to the stack.
    ///
    /// # Errors
    /// [`AffinityError::OneCore`].
    pub fn divide() -> Result<Self, AffinityError> {
        match available_parallelism().map_or(1, std::num::NonZero::get) - 1 {
            0 => Err(AffinityError::OneCore),
            last => Ok(Self { last }),
        }
    }

    /// The number of cores of the stack.
    #[must_use]
    pub fn of_the_stack(self) -> usize {
        self.last
    }

    /// Pins these processes to the cores of the stack.
    ///
    /// # Errors
    /// [`AffinityError::NoTaskset`].
    pub fn keep_off(self, processes: impl IntoIterator<Item = i32>) -> Result<(), AffinityError> {
        pin(processes, &format!("0-{}", self.last - 1))
    }

    /// Gives these processes all cores again.
    ///
    /// # Errors
    /// As [`Cores::keep_off`].
    pub fn free(self, processes: impl IntoIterator<Item = i32>) -> Result<(), AffinityError> {
        pin(processes, &format!("0-{}", self.last))
    }

    /// A command that runs on the core of the load.
    #[must_use]
    pub fn load(self, program: &std::path::Path) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("taskset");
        command.args(["-c", &self.last.to_string()]).arg(program).kill_on_drop(true);
        command
    }
}

fn pin(processes: impl IntoIterator<Item = i32>, cores: &str) -> Result<(), AffinityError> {
    for process in processes {
        let taskset = Command::new("taskset")
            .args(["-apc", cores, &process.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        // The exit status is ignored, because a backend may end before it is pinned.
        taskset.map_err(AffinityError::NoTaskset)?;
    }
    Ok(())
}
