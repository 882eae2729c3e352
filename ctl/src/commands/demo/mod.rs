//! `shopctl demo`: the demo accounts, products and orders, in a system that runs already.

mod orders;

use serde_json::json;

use crate::api::{Api, ApiError};
use crate::commands::seed;
use crate::context::Context;
use crate::context::Role;
use crate::exit::Exit;
use crate::state::Login;
use crate::terminal::Progress;

pub use orders::{Shown, place_all};

const HELP: &str = "\
Registers the demo USER, creates the demo products, and takes three orders through: one ends confirmed,
one refunded because it is sold out, one declined. What is there already is left as it is.";

/// `shopctl demo`
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {}

/// Shows the three ends of an order. Success: each ended as it should.
///
/// # Errors
/// What was refused, or the order that ended otherwise.
pub async fn run(_: &Args, context: &Context) -> anyhow::Result<Exit> {
    let mut progress = Progress::new();
    progress.step("a USER");
    ensure_user(&context.api()?, context.login(Role::User)?).await?;
    progress.step("demo products");
    seed::create_missing(&context.api_as(Role::Admin).await?).await?;
    let orders = place_all(&context.api_as(Role::User).await?, &mut progress, context.output.json).await?;
    progress.done();
    if context.output.json {
        println!("{}", json!({"orders": orders}));
    }
    Ok(Exit::Success)
}

/// Registers the demo USER unless there is one.
///
/// # Errors
/// The service refuses for another reason.
pub async fn ensure_user(api: &Api, user: &Login) -> Result<(), ApiError> {
    match api.register(user).await {
        Err(error) if error.code() != Some("email-taken") => Err(error),
        _ => Ok(()),
    }
}
