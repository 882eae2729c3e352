use std::fs;

use serde::Serialize;

use super::BenchError;
use super::site::Site;
use ctl::stack::Kind;

/// The machine of a run. Only ratios can be compared between machines.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Hardware threads.
    pub cores: usize,
    pub cpu: String,
    pub memory_gib: f64,
    pub kernel: String,
    /// The server's version.
    pub postgres: String,
    /// The server's version.
    pub redis: String,
}

impl Machine {
    pub async fn of(site: &Site) -> Result<Self, BenchError> {
        let version = site.database(Kind::Payment).row("SHOW server_version", &[]).await?.get(0);
        let kib = |line: String| line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok());
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            cpu: line_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            memory_gib: line_of("/proc/meminfo", "MemTotal").and_then(kib).unwrap_or_default()
                / f64::from(1 << 20),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            postgres: version,
            redis: line_of_text(&site.redis(&["INFO", "server"]).await?, "redis_version").unwrap_or_default(),
        })
    }
}

fn line_of(file: &str, name: &str) -> Option<String> {
    line_of_text(&fs::read_to_string(file).ok()?, name)
}

/// The value after the colon.
pub fn line_of_text(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
