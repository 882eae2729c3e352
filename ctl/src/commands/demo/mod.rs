mod orders;

use serde_json::json;

use crate::api::{Api, ApiError};
use crate::commands::seed;
use crate::context::Context;
use crate::context::Role;
use crate::exit::Exit;
use crate::state::Login;
use crate::terminal::write_line;

pub use orders::{Shown, place_all};

const HELP: &str = "\
Registers the demo USER, creates the demo products, and places three orders: one is confirmed,
one refunded because the product is sold out, one declined. Existing accounts and products stay unchanged.";

/// `shopctl demo`
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {}

/// Succeeds if each order reaches its expected state.
pub async fn run(_: &Args, context: &Context) -> anyhow::Result<Exit> {
    let mut progress = context.output.progress();
    progress.step("demo account");
    ensure_user(&context.api()?, context.login(Role::User)?).await?;
    progress.step("demo products");
    seed::create_missing(&context.api_as(Role::Admin).await?).await?;
    let orders = place_all(&context.api_as(Role::User).await?, &mut progress, context.output).await?;
    progress.done();
    if context.output.json {
        write_line(json!({"orders": orders}))?;
    }
    Ok(Exit::Success)
}

pub async fn ensure_user(api: &Api, user: &Login) -> Result<(), ApiError> {
    match api.register(user).await {
        Err(error) if error.code() != Some("email-taken") => Err(error),
        _ => Ok(()),
    }
}
