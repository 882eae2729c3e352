use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use ctl::cli::{Cli, Command};
use ctl::commands::{
    admin, audit, clients, completions, dead_letters, demo, keys, load, order, rehearse, seed, streams,
    token, up, verify, watch,
};
use ctl::context::Context;
use ctl::exit::{Exit, conclude};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    conclude(&run(Cli::parse()).await)
}

async fn run(cli: Cli) -> anyhow::Result<Exit> {
    let context = || Context::new(cli.global.clone());
    match cli.command {
        Command::Up(args) => up::run(args, cli.global).await,
        Command::Seed(args) => seed::run(&args, &context()?).await,
        Command::Demo(args) => demo::run(&args, &context()?).await,
        Command::Admin(command) => admin::run(&command, &context()?).await,
        Command::Clients(command) => clients::run(&command, &context()?).await,
        Command::Keys(command) => keys::run(&command, &context()?).await,
        Command::Token(args) => token::run(&args, &context()?).await,
        Command::Order(args) => order::run(&args, &context()?).await,
        Command::Watch(args) => watch::run(&args, &context()?).await,
        Command::Streams(args) => streams::run(&args, &context()?).await,
        Command::DeadLetters(command) => dead_letters::run(&command, &context()?).await,
        Command::Audit(args) => audit::run(&args, &context()?).await,
        Command::Load(args) => load::run(&args, &context()?).await,
        Command::Verify(args) => Box::pin(verify::run(&args, &context()?)).await,
        Command::Rehearse(args) => Box::pin(rehearse::run(&args, &context()?)).await,
        Command::Completions(args) => Ok(completions::run(&args, Cli::command())),
    }
}
