use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, ValueEnum};

use chaos::arena::Arena;
use chaos::fault::Fault;
use chaos::profile::Profile;
use chaos::progress::Progress;
use chaos::run::{self, RunOptions};
use chaos::schedule::{self, Choice, ScheduleOptions};
use chaos::sustained_load::SustainedLoad;
use ctl::exit::{Exit, WrongUse, conclude, parse};
use ctl::terminal::{Output, say, table, write_line};

const HELP: &str = "\
Starts a private stack in a temporary folder. The verdict is red, with exit code 1, when an order was
lost, doubled, oversold or stuck, when a recovery was slow, or when a fault left no evidence.

Examples:
  chaos random
  chaos kill-inventory --orders 200 --faults 3
  chaos redis-full redis-noauth redis-demoted
  chaos soak --minutes 30 --rate 1500 --picture soak.svg
  chaos random --orders 20000 --faults 200 --seed 7
  chaos --list";

/// Injects faults into a private stack, and checks the result
#[derive(Debug, Parser)]
#[command(name = "chaos", version = ctl::VERSION, after_help = HELP, max_term_width = 100)]
struct Args {
    /// Faults, injected in turn; `random` is a mix of all that can share a stack
    #[arg(value_parser = names(), required_unless_present = "list", hide_possible_values = true)]
    fault: Vec<String>,
    /// List the faults and their demands
    #[arg(long)]
    list: bool,
    /// Print the schedule without running it
    #[arg(long)]
    plan: bool,
    /// Orders in total, hot, scarce and of several lines; for `outbox-large` the number of rows, at least
    /// 5,000
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    orders: u64,
    /// Faults in total [default: 10, fewer for slow faults]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    faults: Option<u32>,
    /// Duration of `soak`, `inventory-away`, `snapshot` and refusals of Redis [default: 0.55; in a mix 10 s,
    /// refusals less]
    #[arg(long, value_parser = positive)]
    minutes: Option<f64>,
    /// Orders a second of these [default: 150, within reach of a debug build on two cores]
    #[arg(long, value_parser = positive)]
    rate: Option<f64>,
    /// Draw memory, rows and connections of these over time; the figures go to the same name with .csv
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
    /// Seed of the schedule [default: random]
    #[arg(long)]
    seed: Option<u64>,
    /// Timeouts of the services
    #[arg(long, value_enum, default_value_t = Profile::Fast)]
    profile: Profile,
    /// Instances of inventory and payment each
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    instances: u8,
    /// Run `shopctl verify --watch` beside it; the run is red too when the watch shows a broken invariant
    #[arg(long)]
    watch: bool,
    /// Leave the stack running until Ctrl-C, and keep its folder
    #[arg(long)]
    keep: bool,
    /// Print the report as JSON on standard output
    #[arg(long)]
    json: bool,
    /// The only failpoint of the fault `failpoint`
    #[cfg(feature = "failpoints")]
    #[arg(long, value_name = "NAME")]
    failpoint: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match parse::<Args>() {
        Ok(args) => conclude(&run(&args).await, args.json),
        Err(code) => code,
    }
}

fn names() -> impl TypedValueParser<Value = String> {
    let faults = Fault::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    PossibleValuesParser::new(faults.chain([PossibleValue::new("random")]))
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number > 0.0)
        .ok_or_else(|| "a number above 0".to_owned())
}

fn choice(names: &[String]) -> anyhow::Result<Choice> {
    match names {
        [] => Err(WrongUse::new("name a fault, or `random`; --list shows all").into()),
        [only] if only == "random" => Ok(Choice::Random),
        _ => {
            let faults = names.iter().map(|name| Fault::from_str(name, false));
            let faults = faults
                .collect::<Result<Vec<_>, _>>()
                .map_err(|_| WrongUse::new("`random` cannot be combined with other faults"))?;
            Ok(Choice::These(faults))
        }
    }
}

async fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.list {
        write_line(list())?;
        return Ok(Exit::Success);
    }
    let output = Output::new(args.json);
    let options = options(args, choice(&args.fault)?)?;
    if args.plan {
        return plan(&options, output);
    }
    let (report, arena) = tokio::select! {
        done = Box::pin(run::run(&options, Progress::new(args.orders))) => done?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted; seed {}", options.schedule.seed),
    };
    output.print(&report, |report| report.render(output.paint))?;
    finish(arena, args.keep).await?;
    Ok(if report.green { Exit::Success } else { Exit::Failure })
}

fn options(args: &Args, choice: Choice) -> anyhow::Result<RunOptions> {
    let faults = args.faults.map_or_else(|| run::usual_faults(&choice), |faults| faults as usize);
    // A short seed is easier to type.
    let seed = args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let failpoints = cfg!(feature = "failpoints");
    #[cfg(feature = "failpoints")]
    let failpoint = args.failpoint.clone();
    #[cfg(not(feature = "failpoints"))]
    let failpoint = None;
    let sustained_load = sustained_load(args, &choice);
    let instances = usize::from(args.instances);
    let refusal = sustained_load.time;
    let schedule = ScheduleOptions { choice, faults, seed, instances, failpoint, failpoints, refusal };
    schedule.check().map_err(WrongUse::new)?;
    let repeat = repeat(args, &schedule);
    Ok(RunOptions {
        schedule,
        orders: args.orders,
        profile: args.profile,
        sustained_load,
        watch: args.watch,
        keep: args.keep,
        repeat,
    })
}

fn sustained_load(args: &Args, choice: &Choice) -> SustainedLoad {
    let usual = SustainedLoad::usual(choice);
    SustainedLoad {
        time: args.minutes.map_or(usual.time, |minutes| Duration::from_secs_f64(minutes * 60.0)),
        rate: args.rate.unwrap_or(usual.rate),
        picture: args.picture.clone(),
    }
}

fn repeat(args: &Args, schedule: &ScheduleOptions) -> String {
    let what = match &schedule.choice {
        Choice::Random => "random".to_owned(),
        Choice::These(faults) => faults.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(" "),
    };
    let profile =
        args.profile.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let mut command = format!(
        "chaos {what} --orders {} --faults {} --seed {} --profile {profile} --instances {}",
        args.orders, schedule.faults, schedule.seed, schedule.instances
    );
    command.extend(schedule.failpoint.iter().map(|name| format!(" --failpoint {name}")));
    command.extend(args.minutes.map(|minutes| format!(" --minutes {minutes}")));
    command.extend(args.rate.map(|rate| format!(" --rate {rate}")));
    command.extend(args.watch.then(|| " --watch".to_owned()));
    command
}

fn list() -> String {
    let heading = ["FAULT", "KIND", "INJECTION", "DEMAND BESIDES THE INVARIANTS"].map(str::to_owned).to_vec();
    let rows = Fault::value_variants().iter().map(|fault| {
        let spec = fault.spec();
        vec![fault.name(), spec.number.to_owned(), spec.does.to_owned(), spec.holds.to_owned()]
    });
    let random =
        ["random", "F18", "a mix of all faults that can share a stack", "the seed reproduces the schedule"]
            .map(str::to_owned)
            .to_vec();
    table(&std::iter::once(heading).chain(rows).chain([random]).collect::<Vec<_>>())
}

fn plan(options: &RunOptions, output: Output) -> anyhow::Result<Exit> {
    output.print(&schedule::plan(&options.schedule), |schedule| {
        let heading = ["#", "FAULT", "TARGET", "AT", "STEP"].map(str::to_owned).to_vec();
        let rows = schedule.iter().map(|planned| {
            let step =
                planned.failpoint.as_ref().map(|(name, nth)| format!("{name}:{nth}")).unwrap_or_default();
            let at = format!("{:.0} %", planned.at * 100.0);
            vec![planned.number.to_string(), planned.fault.name(), planned.target.to_string(), at, step]
        });
        format!(
            "seed {}\n{}",
            options.schedule.seed,
            table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
        )
    })?;
    Ok(Exit::Success)
}

/// With `keep`, waits for Ctrl-C.
async fn finish(mut arena: Arena, keep: bool) -> anyhow::Result<()> {
    if keep {
        let addresses: Vec<String> =
            arena.stack.services().map(|service| format!("{} {}", service.id(), service.url())).collect();
        say(format_args!(
            "The stack is still running; Ctrl-C stops it.\n  {}\n  {}",
            addresses.join("\n  "),
            arena.sources().payment_database
        ));
        say(format_args!("  {}\n  {}", arena.sources().redis, arena.folder.path().display()));
        tokio::signal::ctrl_c().await?;
    }
    // Dropping the arena kills the remaining processes.
    if tokio::time::timeout(Duration::from_secs(60), arena.stack.stop_all()).await.is_err() {
        say("some processes of the stack missed the deadline and are killed");
    }
    Ok(())
}
