use std::process::{Output, Stdio};

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::Command as Process;

use super::token::password_from_stdin;
use crate::context::Context;
use crate::exit::{Exit, WrongUse};
use crate::stack::{Kind, find_binary};
use crate::state::random_secret;
use crate::values::{Secret, database_url as parsed_url, email};

const EXAMPLES: &str = "\
Examples:
  shopctl admin create boss@example.com                       with a random password, printed once
  shopctl admin create boss@example.com --password-stdin < password.txt
  shopctl admin create boss@example.com --database-url postgres://user@db/orderflow_user";

const RESET_EXAMPLES: &str = "\
Examples:
  shopctl admin reset boss@example.com                        with a random password, printed once
  shopctl admin reset boss@example.com --password-stdin < password.txt";

/// The exit code of `user` for settings that it cannot use.
const UNUSABLE_SETTINGS: i32 = 2;

/// `shopctl admin ...`
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an ADMIN, with access to the database of `user`: a registration always creates a USER
    #[command(after_help = EXAMPLES)]
    Create(Account),
    /// Give an ADMIN another password and enable it, with access to the database of `user`; its sessions end
    #[command(after_help = RESET_EXAMPLES)]
    Reset(Account),
}

/// The account of an ADMIN.
#[derive(Debug, clap::Args)]
pub struct Account {
    /// E-mail of the account
    #[arg(value_parser = email)]
    email: String,
    /// Read the password from standard input instead of generating one
    #[arg(long)]
    password_stdin: bool,
    /// Database of `user` [default: of the running stack]
    #[arg(
        long,
        env = "USER_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = Secret(parsed_url)
    )]
    database_url: Option<String>,
}

/// Runs `user create-admin` or `user reset-admin`: only `user` knows how passwords are stored.
pub async fn run(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let (task, done, args) = match command {
        Command::Create(args) => ("create-admin", "created", args),
        Command::Reset(args) => ("reset-admin", "reset", args),
    };
    let database_url = database_url(args, context)?;
    let given = args.password_stdin.then(password_from_stdin).transpose()?;
    let password = given.clone().unwrap_or_else(random_secret);
    let output = run_user(task, &args.email, &password, &database_url).await?;
    if !output.status.success() {
        return Err(failure(task, &output));
    }
    let mut account: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("cannot parse the output of `user {task}`"))?;
    if given.is_none() {
        account["password"] = password.into();
    }
    context.output.print(&account, |account| readable(done, account))?;
    Ok(Exit::Success)
}

fn database_url(args: &Account, context: &Context) -> anyhow::Result<String> {
    let running = context.state.as_ref().and_then(|state| state.running.as_ref());
    let url = args.database_url.clone().or_else(|| running.map(|running| running.user_database_url.clone()));
    url.ok_or_else(|| {
        let rule = "no running stack in the data folder; give the database of `user` with --database-url";
        WrongUse::new(rule).into()
    })
}

/// Passes the password in the environment: the process list shows arguments.
async fn run_user(task: &str, email: &str, password: &str, database_url: &str) -> anyhow::Result<Output> {
    let program = find_binary(Kind::User, None)?;
    Process::new(&program)
        .args([task, "--email", email])
        .env("ADMIN_PASSWORD", password)
        .env("DATABASE_URL", database_url)
        .stdin(Stdio::null())
        .output()
        .await
        .with_context(|| format!("cannot run {}", program.display()))
}

fn failure(task: &str, output: &Output) -> anyhow::Error {
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(UNUSABLE_SETTINGS) {
        return WrongUse::new(mistakes(&said)).into();
    }
    match said.trim() {
        "" => anyhow::anyhow!("`user {task}` failed ({})", output.status),
        said => anyhow::anyhow!("{said}"),
    }
}

/// The settings of `user` by the names that they have here: its flags are not ours.
fn mistakes(said: &str) -> String {
    let ours = [("email", "EMAIL"), ("admin-password", "the password"), ("database-url", "--database-url")];
    let mistakes = said.lines().filter_map(|line| line.strip_prefix("  ")).map(|mistake| {
        let renamed = ours.iter().find_map(|(name, our)| {
            Some(format!("{our}: {}", mistake.strip_prefix(name)?.strip_prefix(": ")?))
        });
        renamed.unwrap_or_else(|| mistake.to_owned())
    });
    mistakes.collect::<Vec<_>>().join("; ")
}

fn readable(done: &str, account: &Value) -> String {
    let text = |field: &str| account[field].as_str().unwrap_or("?").to_owned();
    let mut lines =
        vec![format!("{done} {} with the role {} (id {})", text("email"), text("role"), text("id"))];
    lines
        .extend(account.get("password").map(|_| format!("password: {} (shown only once)", text("password"))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_what_the_operator_gave_and_no_flag_of_the_service() {
        let said = "2 unusable setting(s):\n  admin-password: must be longer\n  database-url: is no URL\n\
            Set each by a flag (--http-bind), in the environment (HTTP_BIND), or in the file of --config";
        assert_eq!(mistakes(said), "the password: must be longer; --database-url: is no URL");
    }
}
