//! Which process may use which core.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use super::ChaosError;
use super::arena::Arena;

/// The last core for the load, all others for the stack.
#[derive(Debug)]
pub struct Cores {
    last: usize,
}

impl Cores {
    /// Moves every process of the stack, and this one with its proxies, off the last core.
    ///
    /// # Errors
    /// [`ChaosError::Impossible`] with a single core, or without `taskset`.
    pub fn divide(arena: &mut Arena) -> Result<Self, ChaosError> {
        let last = available_parallelism().map_or(1, std::num::NonZero::get) - 1;
        if last == 0 {
            return Err(ChaosError::Impossible("an overload needs two cores: one for the load, one for the stack".to_owned()));
        }
        pin(arena, &format!("0-{}", last - 1))?;
        Ok(Self { last })
    }

    /// All cores for everybody again.
    ///
    /// # Errors
    /// As [`Cores::divide`].
    pub fn unite(&self, arena: &mut Arena) -> Result<(), ChaosError> {
        pin(arena, &format!("0-{}", self.last))
    }

    /// A command that runs on the last core only.
    #[must_use]
    pub fn load(&self, program: &std::path::Path) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("taskset");
        command.args(["-c", &self.last.to_string()]).arg(program).kill_on_drop(true);
        command
    }
}

fn pin(arena: &mut Arena, cores: &str) -> Result<(), ChaosError> {
    let mut processes: Vec<i32> = arena.stack.services().map(crate::stack::Service::pid).collect();
    processes.extend(arena.redis_server()?.pid());
    if let Some(postmaster) = arena.postgres_server()?.pid() {
        processes.push(postmaster);
        processes.extend(children(postmaster));
    }
    processes.extend(i32::try_from(std::process::id()));
    for process in processes {
        let taskset =
            Command::new("taskset").args(["-apc", cores, &process.to_string()]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        // A backend may end before it is moved; a missing program is another thing.
        taskset.map_err(|error| ChaosError::Impossible(format!("an overload needs `taskset` (package util-linux): {error}")))?;
    }
    Ok(())
}

fn children(of: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| parent(*id) == Some(of)).collect()
}

/// The fourth field of `/proc/PID/stat`, the second after the program's name in brackets.
fn parent(of: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{of}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_of_this_process_has_it_among_its_children() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        let parent = parent(own).expect("a parent");
        assert!(children(parent).contains(&own));
    }
}
