//! Yardstick Y4: Redis and the disk.

use std::fs::OpenOptions;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::cores::{CpuTimer, quiet};
use super::plan::BenchPlan;
use super::program::Program;
use super::site::Site;
use super::{BenchError, Figure, Measure, Reading};

const REDIS_BENCHMARK: Program = Program { name: "redis-benchmark", package: "redis-tools" };
/// Clients, commands in a pipeline, and messages for about 1 s on two cores.
const RUNS: [(Figure, u32, u32, u64); 4] = [
    (Figure::Xadd1, 1, 1, 10_000),
    (Figure::Xadd50, 50, 1, 40_000),
    (Figure::Xadd16, 50, 16, 120_000),
    (Figure::Xadd64, 50, 64, 160_000),
];
const COMMAND: &str = r#"XADD bench MAXLEN ~ 100000 * data {"order_id":"00000000-0000-0000-0000-000000000000","sku":"SKU-1","quantity":1}"#;
const SYNC_FOR: Duration = Duration::from_secs(1);

pub async fn y4(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    quiet(plan.patience).await;
    let port = site.stack.redis().map(|server| server.port()).unwrap_or_default();
    let mut figures = Vec::new();
    let timer = CpuTimer::begin(&site.process_groups());
    for (figure, clients, pipeline, a_second) in RUNS {
        let messages = a_second * (plan.time.as_secs() / 3).max(1); // the stream is trimmed, which keeps the pace
        figures.push((
            figure,
            xadd(port, &[("-c", clients.into()), ("-P", pipeline.into()), ("-n", messages)]).await?,
        ));
    }
    let cores = timer.end(&site.process_groups());
    command(port, "redis-cli", &["DEL", "bench"])
        .output()
        .await
        .map_err(BenchError::io("empty the stream of redis-benchmark"))?;
    figures.push((Figure::Fdatasync, fdatasync(site.folder().to_owned()).await?));
    Ok(Reading::new(Measure::Y4, figures, cores))
}

async fn xadd(port: u16, options: &[(&str, u64)]) -> Result<f64, BenchError> {
    let mut command = command(port, REDIS_BENCHMARK.name, &["-q"]);
    for (name, value) in options {
        command.arg(name).arg(value.to_string());
    }
    command.args(COMMAND.split(' '));
    let printed = REDIS_BENCHMARK.output(command).await?;
    per_second(&printed).ok_or_else(|| REDIS_BENCHMARK.no_result(printed))
}

fn command(port: u16, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]).args(arguments);
    command
}

/// Parses `41493.78 requests per second`, which follows the progress on the same line.
fn per_second(printed: &str) -> Option<f64> {
    let (before, _) = printed.rsplit_once(" requests per second")?;
    before.rsplit(' ').next()?.parse().ok()
}

/// Milliseconds on the disk of PostgreSQL.
async fn fdatasync(folder: PathBuf) -> Result<f64, BenchError> {
    let measured = tokio::task::spawn_blocking(move || sync_for(&folder.join("fdatasync"), SYNC_FOR)).await;
    measured.map_err(io::Error::other).flatten().map_err(BenchError::io("write to the disk"))
}

/// Writes one page over and over, as pg_test_fsync does.
fn sync_for(file: &Path, time: Duration) -> io::Result<f64> {
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(file)?;
    let began = Instant::now();
    let page = [7_u8; 8192];
    let mut times = 0_u32;
    while began.elapsed() < time {
        file.rewind()?;
        file.write_all(&page)?;
        file.sync_data()?;
        times += 1;
    }
    Ok(began.elapsed().as_secs_f64() * 1e3 / f64::from(times.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rate_redis_benchmark_names_is_the_result() {
        let printed = "XADD bench * d x: rps=0.0 (overall: 41000.0) avg_msec=0.5\rXADD bench * d x: 41493.78 requests per second, p50=0.607 msec\n";
        assert_eq!(per_second(printed), Some(41493.78));
        assert_eq!(per_second("Could not connect to Redis"), None);
    }
}
