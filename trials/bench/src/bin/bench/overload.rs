use std::time::Duration;

use super::Files;
use bench::overload::{self, Ladder};
use ctl::exit::Exit;
use ctl::terminal::{Bar, Output};

const EXAMPLES: &str = "\
Examples:
  bench overload --chart overload.svg       about eight minutes
  bench overload --quick                    three short loads, as a smoke test
  bench overload --times 1,5 --seconds 60

Finds the highest rate at which orders keep pace, then offers multiples of it in an open loop. The
last core is for the generator, all others for the stack; the machine needs two cores.";

/// `bench overload`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Three loads of 4 s
    #[arg(long)]
    quick: bool,
    /// Loads as multiples of the capacity [default: 0.25,0.5,0.75,1,1.5,2,3,5]
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = above_zero)]
    times: Vec<f64>,
    /// Capacity in orders a second, if known [default: measured]
    #[arg(long, value_name = "N", value_parser = above_zero)]
    capacity: Option<f64>,
    /// Seconds of each load [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    #[command(flatten)]
    files: Files,
}

pub async fn run(args: &Args, output: Output) -> anyhow::Result<Exit> {
    let ladder = ladder(args);
    let bar = Bar::new(ladder.times.len() as u64, "loads");
    let report = tokio::select! {
        done = Box::pin(overload::run(&ladder, args.files.binaries.clone(), &bar)) => done?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
    };
    output.print(&report, |report| report.render(output.paint))?;
    args.files.write(&report, overload::svg)?;
    Ok(Exit::Success)
}

fn ladder(args: &Args) -> Ladder {
    let mut ladder = if args.quick { Ladder::quick() } else { Ladder::full() };
    if !args.times.is_empty() {
        ladder.times.clone_from(&args.times);
        // The chart goes from left to right.
        ladder.times.sort_unstable_by(f64::total_cmp);
    }
    ladder.capacity = args.capacity;
    ladder.time = args.seconds.map_or(ladder.time, Duration::from_secs);
    ladder
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "a number above 0, such as 0.5 or 3".to_owned())
}
