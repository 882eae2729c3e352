//! pgbench on the tables of the services, with prepared statements over TCP.

use std::path::{Path, PathBuf};
use std::{fs, str};

use tokio::process::Command;

use super::BenchError;
use super::program::Program;

/// Part of Debian's server package since PostgreSQL 12.
const PGBENCH: Program = Program { name: "pgbench", package: "postgresql-contrib" };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// BEGIN, two INSERTs, COMMIT.
    OrderTransaction,
    /// Both rows in one statement.
    OrderStatement,
    /// One unit of one product, and an inbox row.
    Hot,
}

#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub script: Script,
    /// Connections, each with one transaction at a time.
    pub clients: u16,
    pub seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PgbenchResult {
    /// Excludes the time to connect.
    pub per_second: f64,
    /// One client only, because a log of each transaction slows many clients.
    pub p50_ms: Option<f64>,
}

impl Script {
    fn text(self) -> &'static str {
        match self {
            Self::OrderTransaction => include_str!("sql/order_tx.sql"),
            Self::OrderStatement => include_str!("sql/order_cte.sql"),
            Self::Hot => include_str!("sql/hot.sql"),
        }
    }
}

/// `programs` is PostgreSQL's folder, `folder` that of pgbench's files.
pub async fn run(
    programs: &Path,
    folder: &Path,
    database: &str,
    run: Run,
) -> Result<PgbenchResult, BenchError> {
    let script = folder.join("pgbench.sql");
    let log = folder.join("pgbench-log");
    fs::write(&script, run.script.text()).map_err(BenchError::io("write a script for pgbench"))?;
    let mut command = Command::new(program(programs));
    let clients = run.clients.to_string();
    command.args([
        "--no-vacuum",
        "--protocol",
        "prepared",
        "--client",
        &clients,
        "--jobs",
        if run.clients == 1 { "1" } else { "2" },
    ]);
    command.args(["--time", &run.seconds.to_string(), "--file"]).arg(&script);
    if run.clients == 1 {
        command.arg("--log").arg("--log-prefix").arg(&log);
    }
    let printed = PGBENCH
        .output({
            command.arg(database);
            command
        })
        .await?;
    let Some(per_second) = per_second(&printed) else { return Err(PGBENCH.no_result(printed)) };
    Ok(PgbenchResult { per_second, p50_ms: p50_of(folder)? })
}

fn program(programs: &Path) -> PathBuf {
    let beside = programs.join(PGBENCH.name);
    if beside.is_file() { beside } else { PGBENCH.name.into() }
}

/// The line `tps = 1234.5 (…)` is absent when no transaction ended in time.
fn per_second(printed: &str) -> Option<f64> {
    if printed.lines().any(|line| line == "number of transactions actually processed: 0") {
        return Some(0.0);
    }
    let line = printed.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.strip_suffix("(without initial connection time)")?.trim().parse().ok()
}

/// The name of the log has the process id.
fn p50_of(folder: &Path) -> Result<Option<f64>, BenchError> {
    let entries = fs::read_dir(folder).map_err(BenchError::io("find the log of pgbench"))?.flatten();
    let logs = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("pgbench-log."));
    let mut text = String::new();
    for log in logs {
        text += &fs::read_to_string(log.path()).map_err(BenchError::io("read the log of pgbench"))?;
        fs::remove_file(log.path()).map_err(BenchError::io("remove the log of pgbench"))?;
    }
    Ok(p50(&text))
}

/// Reads the third field of each line: microseconds.
fn p50(log: &str) -> Option<f64> {
    let mut micros: Vec<u64> = log.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok()).collect();
    micros.sort_unstable();
    micros.get(micros.len().checked_sub(1)? / 2).map(|micros| *micros as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_without_the_time_to_connect_is_read() {
        let printed = "latency average = 0.123 ms\ninitial connection time = 4.093 ms\ntps = 8123.456 (without initial connection time)\n";
        assert_eq!(per_second(printed), Some(8123.456));
        assert_eq!(per_second("pgbench: error: connection failed"), None);
    }

    #[test]
    fn no_transaction_in_the_time_is_a_rate_of_nothing() {
        let printed = "duration: 1 s\nnumber of transactions actually processed: 0\nnumber of failed transactions: 0 (NaN%)\n";
        assert_eq!(per_second(printed), Some(0.0));
    }

    #[test]
    fn the_median_of_a_log_is_what_half_of_the_transactions_took_at_most() {
        assert_eq!(
            p50("0 1 300 0 1700000000 1\n0 2 100 0 1700000000 2\n0 3 200 0 1700000000 3\n"),
            Some(0.2)
        );
        assert_eq!(p50(""), None);
    }

    #[test]
    fn no_script_holds_a_variable_that_pgbench_would_take_for_a_parameter_but_the_orders_id() {
        for script in [Script::OrderTransaction, Script::OrderStatement, Script::Hot] {
            let text: Vec<char> = script.text().chars().collect();
            let starts = |pair: &&[char]| pair[0] == ':' && (pair[1].is_ascii_alphabetic() || pair[1] == '_');
            let found = text.windows(2).filter(starts).count();
            assert_eq!(found, usize::from(script == Script::OrderTransaction), "{script:?}");
        }
    }
}
