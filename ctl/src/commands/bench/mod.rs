mod overload;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

use crate::bench::{self, Live, Measure, Terms};
use crate::context::Context;
use crate::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  shopctl bench                              everything, three rounds of 30 s: about fifty minutes
  shopctl bench --quick                      one short round: whether everything runs
  shopctl bench --only e2e --seconds 60      one measurement, for a profiler beside it
  shopctl bench --only y1,e2e --rounds 5     a figure and its yardstick
  shopctl bench overload                     what is left when more is offered than it can do

A stack of its own in a temporary folder: nothing that runs here is touched. Needs wrk, pgbench and
redis-benchmark; scripts/bench installs them. Nothing else should run on the machine meanwhile.";

/// `shopctl bench`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    /// One round of 5 s with fewer stored orders
    #[arg(long)]
    quick: bool,
    /// Only these [default: all]
    #[arg(long, value_name = "NAME,NAME", value_enum, value_delimiter = ',')]
    only: Vec<Measure>,
    /// How often each is measured, in turns [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// How long each load lasts [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Seconds to wait, before each load, for a machine that is idle and gives all its cores [default: 60]
    #[arg(long, value_name = "N")]
    patience: Option<u64>,
    #[command(flatten)]
    files: Files,
}

/// What every measurement reads and writes.
#[derive(Debug, clap::Args)]
struct Files {
    /// Where the programs user, inventory and payment are, if not beside this one
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// Write the result as JSON to this file, besides printing it
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Draw the result into this file, as SVG
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
}

impl Files {
    fn write<R: Serialize>(&self, report: &R, svg: fn(&R) -> String) -> anyhow::Result<()> {
        write(self.report.as_deref(), || Ok(serde_json::to_string_pretty(report)? + "\n"))?;
        write(self.chart.as_deref(), || Ok(svg(report)))
    }
}

/// What is not part of the table.
#[derive(Debug, clap::Subcommand)]
enum Other {
    /// Goodput against offered load, up to five times the capacity
    Overload(overload::Args),
}

/// Measures and prints the table.
///
/// # Errors
/// When there is no measurement, or it cannot be written.
pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    if let Some(Other::Overload(args)) = &args.other {
        return overload::run(args, context).await;
    }
    let terms = terms(args);
    let live = Live::new(&terms);
    let report = tokio::select! {
        done = Box::pin(bench::run(&terms, args.files.binaries.clone(), &live)) => done?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
    };
    context.print(&report, |report| report.render(context.paint))?;
    args.files.write(&report, bench::svg)?;
    Ok(Exit::Success)
}

fn write(file: Option<&Path>, text: impl FnOnce() -> serde_json::Result<String>) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, text()?).with_context(|| format!("cannot write {}; its folder must exist", file.display()))
}

fn terms(args: &Args) -> Terms {
    // In the order in which they take turns, whatever the order on the command line.
    let all = Measure::value_variants().iter().copied();
    let measures = all.filter(|measure| args.only.is_empty() || args.only.contains(measure)).collect();
    let mut terms = if args.quick { Terms::quick(measures) } else { Terms::full(measures) };
    terms.rounds = args.rounds.map_or(terms.rounds, usize::from);
    terms.time = args.seconds.map_or(terms.time, Duration::from_secs);
    terms.patience = args.patience.map_or(terms.patience, Duration::from_secs);
    terms
}
