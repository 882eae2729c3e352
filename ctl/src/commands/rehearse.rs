//! A load, panics of consumer actors, and `verify`, on any deployment: the supervisor repairs panics.

use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;

use super::{load, verify as verifying};
use crate::api::Endpoints;
use crate::context::Context;
use crate::context::Role;
use crate::exit::Exit;
use crate::instance::{Admin, http};
use crate::load::LoadReport;
use crate::terminal::{Output, Progress};
use crate::verify::{Evidence, Sources, Verdict, pending_work, render, verify};
use crate::wait::until;

const EXAMPLES: &str = "\
Examples:
  shopctl rehearse                             1,000 orders and six panics
  shopctl rehearse --rate 40 --time 30s --panics 10

The services must run with FAULTS=on, which production mode refuses, and with one instance each, because the
command looks for the new actor in the instance of the old one. Exit code 0: every order has a final state and
`verify` finds no broken invariant.";

/// Consumers handle batches many times a second.
const PANICS_WITHIN: Duration = Duration::from_secs(20);
/// An unconfirmed event is published again after a minute.
const QUIET_WITHIN: Duration = Duration::from_secs(90);

/// `shopctl rehearse`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Number of panics, one after the other, alternating between inventory and payment
    #[arg(long, value_name = "N", default_value_t = 6)]
    panics: usize,
    /// The load.
    #[command(flatten)]
    load: load::Args,
    /// The addresses that `verify` reads.
    #[command(flatten)]
    addresses: verifying::Addresses,
}

#[derive(Debug, Serialize)]
struct Rehearsal {
    panics: Vec<Panic>,
    load: LoadReport,
    verdict: Verdict,
}

#[derive(Debug, Serialize)]
struct Panic {
    stream: &'static str,
    /// Includes the restart after this panic.
    restarts: u64,
}

/// Succeeds if every panic landed, every order has a final state, and no invariant is broken.
pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let sources = args.addresses.sources(context)?;
    let api = context.api()?;
    let admin = Admin::new(http()?, api.clone(), context.login(Role::Admin)?.clone());
    let consumers = consumers(api.endpoints());
    for (base, _) in &consumers {
        admin.get(base, "/ops/faults").await?;
    }
    let unnamed = tempfile::NamedTempFile::new().context("cannot write a client log")?;
    let log = args.load.client_log.as_deref().unwrap_or(unnamed.path());
    let (load, panics) = tokio::join!(
        load::send(&args.load, Some(log), context),
        panic_in_turn(&admin, &consumers, args.panics, context.output)
    );
    let load = load?;
    let panics = panics?;
    load::check_client_log(&load)?;
    quiet(&sources, context.output.progress()).await?;
    let evidence = Evidence { client_log: Some(log.to_owned()) };
    let verdict = verify(&sources, &evidence).await.map_err(verifying::exit_code_of)?;
    let good = load.is_complete() && verdict.holds();
    context.output.print(&Rehearsal { panics, load, verdict }, |rehearsal| readable(rehearsal, context))?;
    Ok(if good { Exit::Success } else { Exit::Failure })
}

/// The streams that every confirmed order passes.
fn consumers(endpoints: &Endpoints) -> [(String, &'static str); 2] {
    [(endpoints.inventory.clone(), "order_completed"), (endpoints.payment.clone(), "stock_reserved")]
}

async fn panic_in_turn(
    admin: &Admin,
    consumers: &[(String, &'static str)],
    panics: usize,
    output: Output,
) -> anyhow::Result<Vec<Panic>> {
    let mut landed = Vec::with_capacity(panics);
    for (base, stream) in consumers.iter().cycle().take(panics) {
        let before = admin.restarts(base, stream).await?;
        admin.arm(base, &json!({"panic": "consumer", "stream": stream})).await?;
        let restarts = until(format!("a new consumer of {stream}"), PANICS_WITHIN, async || {
            match admin.restarts(base, stream).await {
                Ok(after) if after > before => Ok(after),
                Ok(_) => Err("the old one still runs".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        });
        landed.push(Panic { stream, restarts: restarts.await? });
        output.note(format_args!("the consumer of {stream} panicked with a batch in hand and was replaced"));
    }
    Ok(landed)
}

/// Work in flight cannot be judged.
async fn quiet(sources: &Sources, mut progress: Progress) -> anyhow::Result<()> {
    progress.step("Waiting for the backlog to drain");
    until("quiet", QUIET_WITHIN, async || match pending_work(sources).await {
        Ok(moving) if moving.is_empty() => Ok(()),
        Ok(moving) => Err(moving.join(", ")),
        Err(error) => Err(error.to_string()),
    })
    .await?;
    progress.done();
    Ok(())
}

fn readable(rehearsal: &Rehearsal, context: &Context) -> String {
    let panics: Vec<String> = rehearsal
        .panics
        .iter()
        .map(|Panic { stream, restarts }| format!("  {stream}: {restarts} restarts so far"))
        .collect();
    let [load, verdict] = [
        load::render(&rehearsal.load, context.output.paint),
        render(&rehearsal.verdict, context.output.paint),
    ];
    format!(
        "{load}\n\n{} consumer actors panicked and were replaced\n{}\n\n{verdict}",
        panics.len(),
        panics.join("\n")
    )
}
