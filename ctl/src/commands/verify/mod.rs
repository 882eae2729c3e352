mod watch;

use std::path::PathBuf;

use crate::api::ApiError;
use crate::context::Context;
use crate::exit::{Exit, WrongUse};
use crate::state::Running;
use crate::values::{Secret, database_url, redis_url};
use crate::verify::{Evidence, Sources, VerifyError, render, verify};

const EXAMPLES: &str = "\
Examples:
  shopctl verify                              the stack that `shopctl up` runs
  shopctl verify --client-log orders.log      with the evidence of a client (`shopctl load --client-log`)
  shopctl verify --json | jq '.checks[] | select(.judgement.verdict == \"broken\")'
  shopctl verify --watch                      looks all the time; http://127.0.0.1:9400/invariants

The command only reads, and may run on a working system. Exit code 1: an invariant is broken. With --watch it
runs until SIGTERM, and its pages say what is broken: /invariants, /metrics and /healthz.";

/// `shopctl verify`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Client log: evidence for I3 and I9, and for the client's side of I6, I8 and I11
    #[arg(long, value_name = "FILE", conflicts_with = "watch")]
    client_log: Option<PathBuf>,
    /// Look all the time: at what is new or open, and page by page at all that is older
    #[arg(long)]
    watch: bool,
    /// How to look all the time.
    #[command(flatten)]
    watching: watch::Watching,
    /// The addresses to read from.
    #[command(flatten)]
    addresses: Addresses,
}

/// The addresses of the servers.
#[derive(Debug, clap::Args)]
pub struct Addresses {
    /// Database of `user` [default: of the running stack]
    #[arg(
        long,
        env = "SHOPCTL_USER_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = Secret(database_url)
    )]
    user_database_url: Option<String>,
    /// Database of `inventory` [default: of the running stack]
    #[arg(
        long,
        env = "SHOPCTL_INVENTORY_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = Secret(database_url)
    )]
    inventory_database_url: Option<String>,
    /// Database of `payment` [default: of the running stack]
    #[arg(
        long,
        env = "SHOPCTL_PAYMENT_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = Secret(database_url)
    )]
    payment_database_url: Option<String>,
    /// Redis [default: of the running stack]
    #[arg(
        long,
        env = "SHOPCTL_REDIS_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = Secret(redis_url)
    )]
    redis_url: Option<String>,
}

pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    if args.watching.healthcheck {
        return watch::healthcheck(&args.watching, context).await;
    }
    if args.watch {
        return watch::run(&args.watching, &args.addresses.sources(context)?, context).await;
    }
    let sources = args.addresses.sources(context)?;
    let evidence = Evidence { client_log: args.client_log.clone() };
    let mut progress = context.output.progress();
    progress.step("Reading the databases and the streams");
    let verdict = verify(&sources, &evidence).await.map_err(exit_code_of)?;
    progress.done();
    context.output.print(&verdict, |verdict| render(verdict, context.output.paint))?;
    Ok(if verdict.holds() { Exit::Success } else { Exit::Failure })
}

impl Addresses {
    /// Given addresses, or those of the running stack.
    pub fn sources(&self, context: &Context) -> Result<Sources, WrongUse> {
        self.sources_or(context.state.as_ref().and_then(|state| state.running.as_ref()))
    }

    fn sources_or(&self, running: Option<&Running>) -> Result<Sources, WrongUse> {
        let address = |given: &Option<String>, running: Option<&String>, option: &str, variable: &str| {
            let missing = || {
                WrongUse::new(format_args!(
                    "no address: give --{option} or {variable}, \
                     or use the data folder of a stack started by `shopctl up` (--data-dir)"
                ))
            };
            given.clone().or_else(|| running.cloned()).ok_or_else(missing)
        };
        let database = |given, running, service: &str| {
            let variable = format!("SHOPCTL_{}_DATABASE_URL", service.to_uppercase());
            address(given, running, &format!("{service}-database-url"), &variable)
        };
        Ok(Sources {
            user_database: database(&self.user_database_url, running.map(|r| &r.user_database_url), "user")?,
            inventory_database: database(
                &self.inventory_database_url,
                running.map(|r| &r.inventory_database_url),
                "inventory",
            )?,
            payment_database: database(
                &self.payment_database_url,
                running.map(|r| &r.payment_database_url),
                "payment",
            )?,
            redis: address(&self.redis_url, running.map(|r| &r.redis_url), "redis-url", "SHOPCTL_REDIS_URL")?,
        })
    }
}

/// Unreachable servers and services have the same exit code.
pub fn exit_code_of(error: VerifyError) -> anyhow::Error {
    match error {
        VerifyError::Unreachable { what, address, reason } => {
            ApiError::Unreachable { url: format!("{what} at {address}"), reason }.into()
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_address_is_named_with_the_way_to_give_it() {
        let url = || Some("postgres://x".to_owned());
        let addresses = Addresses {
            user_database_url: url(),
            inventory_database_url: None,
            payment_database_url: url(),
            redis_url: url(),
        };
        let error = addresses.sources_or(None).expect_err("inventory is missing").to_string();
        assert!(
            error.contains("--inventory-database-url") && error.contains("SHOPCTL_INVENTORY_DATABASE_URL"),
            "{error}"
        );
    }
}
