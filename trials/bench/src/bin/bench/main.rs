//! The command line of `bench`.

mod overload;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use serde::Serialize;

use bench::{BenchPlan, Measure, Progress};
use ctl::exit::{Exit, WrongUse, conclude, parse};
use ctl::terminal::Output;

const EXAMPLES: &str = "\
Examples:
  bench                              all, three rounds of 30 s: about fifty minutes
  bench --quick                      one short round, as a smoke test
  bench --only e2e --seconds 60      one measurement, for a profiler beside it
  bench --only y1,e2e --rounds 5     a figure and its yardstick
  bench --only ten-minutes           one load of ten minutes, after a search for the capacity
  bench --only stored --orders 5000000
  bench overload                     goodput under overload

Measures a private stack in a temporary folder. Needs wrk and
pgbench; scripts/bench installs them. The machine should be otherwise idle.";

/// Measures throughput and latency against yardsticks on the same machine
#[derive(Debug, Parser)]
#[command(name = "bench", version = ctl::VERSION, max_term_width = 100, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Args {
    /// Print the report as JSON on standard output
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    other: Option<Other>,
    /// One round of 5 s with fewer stored orders
    #[arg(long)]
    quick: bool,
    /// Only these measurements [default: all but ten-minutes]
    #[arg(long, value_name = "NAME,NAME", value_enum, value_delimiter = ',')]
    only: Vec<Measure>,
    /// Rounds of all measurements [default: 3, or 1 with ten-minutes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Seconds of each load [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Many stored orders of `--only stored` [default: 1000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    orders: Option<u32>,
    /// Seconds to wait before each load for an idle machine with all cores available [default: 60]
    #[arg(long, value_name = "N")]
    patience: Option<u64>,
    #[command(flatten)]
    files: Files,
}

/// The files that every measurement reads and writes.
#[derive(Debug, clap::Args)]
struct Files {
    /// Folder of the programs user, inventory and payment [default: the folder of this program]
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// Write the result as JSON to this file as well
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Draw the result as SVG into this file
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
}

impl Files {
    fn write<R: Serialize>(&self, report: &R, svg: fn(&R) -> String) -> anyhow::Result<()> {
        write(self.report.as_deref(), || Ok(serde_json::to_string_pretty(report)? + "\n"))?;
        write(self.chart.as_deref(), || Ok(svg(report)))
    }
}

/// The measurements outside the table.
#[derive(Debug, clap::Subcommand)]
enum Other {
    /// Goodput against offered load, up to five times the capacity
    Overload(overload::Args),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match parse::<Args>() {
        Ok(args) => conclude(&run(&args).await, args.json),
        Err(code) => code,
    }
}

async fn run(args: &Args) -> anyhow::Result<Exit> {
    let output = Output::new(args.json);
    if let Some(Other::Overload(overload)) = &args.other {
        return overload::run(overload, output).await;
    }
    let stored = args.only.contains(&Measure::Stored);
    if args.orders.is_some() && !stored {
        return Err(WrongUse::new("--orders needs --only stored").into());
    }
    let plan = plan(args);
    let progress = Progress::new(&plan);
    let report = tokio::select! {
        done = Box::pin(bench::run(&plan, args.files.binaries.clone(), &progress)) => done?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
    };
    output.print(&report, |report| report.render(output.paint))?;
    args.files.write(&report, bench::svg)?;
    Ok(Exit::Success)
}

fn write(file: Option<&Path>, text: impl FnOnce() -> serde_json::Result<String>) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, text()?)
        .with_context(|| format!("cannot write {}; its folder must exist", file.display()))
}

/// In the order of their declaration.
fn measures(only: &[Measure]) -> Vec<Measure> {
    let all = Measure::value_variants().iter().copied();
    all.filter(|measure| if only.is_empty() { measure.is_default() } else { only.contains(measure) })
        .collect()
}

fn plan(args: &Args) -> BenchPlan {
    let measures = measures(&args.only);
    let mut plan = if args.quick { BenchPlan::quick(measures) } else { BenchPlan::full(measures) };
    if args.only.contains(&Measure::TenMinutes) {
        (plan.rounds, plan.repeats) = (1, 0);
    }
    plan.rounds = args.rounds.map_or(plan.rounds, usize::from);
    plan.time = args.seconds.map_or(plan.time, Duration::from_secs);
    plan.stored.1 = args.orders.unwrap_or(plan.stored.1);
    plan.patience = args.patience.map_or(plan.patience, Duration::from_secs);
    plan
}
