use anyhow::Context as _;

use crate::context::Context;
use crate::context::Role;
use crate::exit::{Exit, WrongUse};
use crate::state::Login;
use crate::values::email;

const EXAMPLES: &str = "\
Examples:
  shopctl token                         as the demo customer
  curl -H \"Authorization: Bearer $(shopctl token --as admin)\" localhost:8000/products
  shopctl token --email me@example.com --password-stdin < password.txt";

/// `shopctl token`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Account of the stack to log in as
    #[arg(long = "as", value_enum, default_value = "user", conflicts_with = "email")]
    role: Role,
    /// E-mail of the account to log in as
    #[arg(long, requires = "secret", value_parser = email)]
    email: Option<String>,
    /// Password of the account; the process list shows it to other accounts of this machine
    #[arg(long, group = "secret", env = "SHOPCTL_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long, group = "secret")]
    password_stdin: bool,
}

/// Prints the token only, for `$(...)`.
pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let login = match &args.email {
        Some(email) => Login { email: email.clone(), password: password(args)? },
        None => context.login(args.role)?.clone(),
    };
    let tokens = context.api()?.log_in(&login).await?;
    context.output.print(&tokens, |tokens| tokens.access_token.clone())?;
    Ok(Exit::Success)
}

fn password(args: &Args) -> anyhow::Result<String> {
    match &args.password {
        Some(password) => Ok(password.clone()),
        None => password_from_stdin(),
    }
}

/// Reads one line.
pub fn password_from_stdin() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(WrongUse::new("standard input is empty; expected a password").into());
    }
    Ok(password.to_owned())
}
