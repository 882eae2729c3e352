//! Which process may use which core: the last one for a load, all others for the stack. A load that takes the
//! time of what it measures would measure itself.

use std::process::{Command, Stdio};
use std::thread::available_parallelism;

/// Why processes cannot be kept apart.
#[derive(Debug, thiserror::Error)]
pub enum AffinityError {
    /// This machine has one core only.
    #[error("an overload needs two cores: one for the load, one for the stack")]
    OneCore,
    /// The program that moves processes is missing.
    #[error("an overload needs `taskset` (package util-linux)")]
    NoTaskset(#[source] std::io::Error),
}

/// The cores of this machine, divided.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    last: usize,
}

impl Cores {
    /// All but the last for the stack, the last one for the load.
    ///
    /// # Errors
    /// [`AffinityError::OneCore`].
    pub fn divide() -> Result<Self, AffinityError> {
        match available_parallelism().map_or(1, std::num::NonZero::get) - 1 {
            0 => Err(AffinityError::OneCore),
            last => Ok(Self { last }),
        }
    }

    /// How many the stack has.
    #[must_use]
    pub fn of_the_stack(self) -> usize {
        self.last
    }

    /// Keeps these processes off the last core.
    ///
    /// # Errors
    /// [`AffinityError::NoTaskset`].
    pub fn keep_off(self, processes: impl IntoIterator<Item = i32>) -> Result<(), AffinityError> {
        pin(processes, &format!("0-{}", self.last - 1))
    }

    /// All cores for these processes again.
    ///
    /// # Errors
    /// As [`Cores::keep_off`].
    pub fn free(self, processes: impl IntoIterator<Item = i32>) -> Result<(), AffinityError> {
        pin(processes, &format!("0-{}", self.last))
    }

    /// A command that runs on the last core only.
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
        // A backend may end before it is moved; a missing program is another thing.
        taskset.map_err(AffinityError::NoTaskset)?;
    }
    Ok(())
}
