use std::process::ExitCode;

use clap::CommandFactory;
use ctl::cli::{Cli, Command};
use ctl::commands::{
    admin, audit, clients, completions, dead_letters, demo, keys, load, man, order, orders, products,
    rehearse, seed, stock, streams, token, up, users, verify, watch,
};
use ctl::context::Context;
use ctl::exit::{Exit, conclude, parse};
use ctl::terminal::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match parse::<Cli>() {
        Ok(cli) => {
            let json = cli.global.json;
            conclude(&run(cli).await, json)
        }
        Err(code) => code,
    }
}

async fn run(cli: Cli) -> anyhow::Result<Exit> {
    let output = Output::new(cli.global.json);
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
        Command::Orders(command) => orders::run(&command, &context()?).await,
        Command::Products(command) => products::run(&command, &context()?).await,
        Command::Stock(command) => stock::run(&command, &context()?).await,
        Command::Users(command) => users::run(&command, &context()?).await,
        Command::Streams(args) => streams::run(&args, &context()?).await,
        Command::DeadLetters(command) => dead_letters::run(&command, &context()?).await,
        Command::Audit(args) => audit::run(&args, &context()?).await,
        Command::Load(args) => load::run(&args, &context()?).await,
        Command::Verify(args) => Box::pin(verify::run(&args, &context()?)).await,
        Command::Rehearse(args) => Box::pin(rehearse::run(&args, &context()?)).await,
        Command::Completions(args) => completions::run(&args, Cli::command(), output),
        Command::Man(args) => man::run(&args, Cli::command(), output),
    }
}
