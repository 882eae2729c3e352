//! CPU affinity: a load on the cores of the stack would measure itself.

use std::process::{Command, Stdio};
use std::thread::available_parallelism;

/// The reason why the cores cannot be divided.
#[derive(Debug, thiserror::Error)]
pub enum AffinityError {
    #[error("an overload test needs two cores: one for the load, one for the stack")]
    OneCore,
    #[error("an overload test needs `taskset` (package util-linux)")]
    NoTaskset(#[source] std::io::Error),
}

/// The cores of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    last: usize,
}

impl Cores {
    /// Assigns the last core to the load, the others to the stack.
    pub fn divide() -> Result<Self, AffinityError> {
        match available_parallelism().map_or(1, std::num::NonZero::get) - 1 {
            0 => Err(AffinityError::OneCore),
            last => Ok(Self { last }),
        }
    }

    /// The stack's number of cores.
    #[must_use]
    pub fn of_the_stack(self) -> usize {
        self.last
    }

    /// Pins processes to the cores of the stack.
    pub fn keep_off(self, processes: impl IntoIterator<Item = i32>) -> Result<(), AffinityError> {
        pin(processes, &format!("0-{}", self.last - 1))
    }

    /// Gives processes all cores again.
    pub fn free(self, processes: impl IntoIterator<Item = i32>) -> Result<(), AffinityError> {
        pin(processes, &format!("0-{}", self.last))
    }

    /// A command on the core of the load.
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
        // Ignores the status: a backend may end before.
        taskset.map_err(AffinityError::NoTaskset)?;
    }
    Ok(())
}
