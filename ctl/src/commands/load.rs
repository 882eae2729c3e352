use crate::context::Context;
use crate::exit::Exit;

/// `shopctl load`
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Not there yet.
///
/// # Errors
/// Always.
pub async fn run(_: &Args, _: &Context) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
