//! A load in its own process, and the memory of the services under it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::ChaosError;
use super::arena::Arena;
use ctl::state::StackState;
use servers::affinity::Cores;
use servers::processes::resident;

const SAMPLE_EVERY: Duration = Duration::from_secs(1);

pub struct LoadProcess {
    cores: Cores,
    program: PathBuf,
}

pub struct LoadResult {
    /// The `LoadReport` as JSON.
    pub report: Value,
    pub memory: Vec<MemoryUse>,
}

/// Resident memory, in bytes.
#[derive(Debug, Clone)]
pub struct MemoryUse {
    pub service: String,
    pub before: u64,
    pub most: u64,
    pub after: u64,
}

impl fmt::Display for MemoryUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes >> 20;
        write!(
            f,
            "memory of {}: {} MiB before, {} MiB at most, {} MiB after",
            self.service,
            mib(self.before),
            mib(self.most),
            mib(self.after)
        )
    }
}

impl LoadProcess {
    /// Writes the credentials to the state file, as `shopctl up` does.
    pub fn new(arena: &Arena, cores: Cores) -> Result<Self, ChaosError> {
        let state = StackState { credentials: arena.stack.credentials().clone(), running: None };
        state.write(arena.folder.path()).map_err(|error| ChaosError::Load(error.to_string()))?;
        let this = std::env::current_exe().map_err(ChaosError::io("find this program"))?;
        Ok(Self { cores, program: this.with_file_name("shopctl") })
    }

    pub async fn run(&self, arena: &Arena, options: &[&str]) -> Result<LoadResult, ChaosError> {
        let mut command = self.cores.load(&self.program);
        let shop = arena.shop();
        command
            .args(["load", "--json", "--no-follow", "--hot", "0", "--scarce", "0", "--odd-methods", "0"])
            .args(options);
        command.arg("--data-dir").arg(arena.folder.path()).arg("--client-log").arg(arena.folder.client_log());
        command.args([
            "--payment-urls",
            &shop.payment.join(","),
            "--user-url",
            &shop.user[0],
            "--inventory-url",
            &shop.inventory[0],
        ]);
        command.stdin(Stdio::null());
        let mut memory = MemorySampler::begin(arena);
        let output = tokio::select! {
            output = command.output() => output.map_err(ChaosError::io("run `shopctl load`"))?,
            never = memory.sample() => match never {},
        };
        Ok(LoadResult { report: report(&output)?, memory: memory.end() })
    }
}

fn report(output: &Output) -> Result<Value, ChaosError> {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .map_err(|_| ChaosError::Load(format!("no report: {}", String::from_utf8_lossy(&output.stderr))))
}

struct MemorySampler {
    processes: BTreeMap<i32, MemoryUse>,
}

impl MemorySampler {
    fn begin(arena: &Arena) -> Self {
        let memory = |service: &ctl::stack::Service| {
            let before = resident(service.pid());
            (
                service.pid(),
                MemoryUse { service: service.id().to_string(), before, most: before, after: before },
            )
        };
        Self { processes: arena.stack.services().map(memory).collect() }
    }

    async fn sample(&mut self) -> std::convert::Infallible {
        let mut ticks = interval(SAMPLE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.note();
        }
    }

    fn note(&mut self) {
        for (process, memory) in &mut self.processes {
            memory.after = resident(*process);
            memory.most = memory.most.max(memory.after);
        }
    }

    fn end(mut self) -> Vec<MemoryUse> {
        self.note();
        self.processes.into_values().collect()
    }
}
