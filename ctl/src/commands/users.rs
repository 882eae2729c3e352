use clap::ValueEnum;
use serde_json::json;
use uuid::Uuid;

use crate::api::{Account, Listed};
use crate::context::{self, Context};
use crate::exit::Exit;
use crate::terminal::{left_out, printable, table};
use crate::values::at_least_one;

const EXAMPLES: &str = "\
Examples:
  shopctl users list
  shopctl users role 0198c0de-0000-7000-8000-000000000000 admin
  shopctl users disable 0198c0de-0000-7000-8000-000000000000

Tokens of a changed account are refused within a minute. The last enabled ADMIN stays one.";

/// `shopctl users ...`
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Command {
    /// List the accounts, oldest first
    List {
        /// Maximum number of accounts
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
        limit: usize,
    },
    /// Give an account another role
    #[command(after_help = EXAMPLES)]
    Role {
        /// Id of the account, as in `list`
        id: Uuid,
        /// New role
        role: Role,
    },
    /// Disable an account: it cannot log in, and its sessions end
    Disable {
        /// Id of the account
        id: Uuid,
    },
    /// Enable an account again
    Enable {
        /// Id of the account
        id: Uuid,
    },
    /// Delete an account with its sessions. Its orders stay, under its id
    Delete {
        /// Id of the account
        id: Uuid,
    },
}

/// Of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Orders
    User,
    /// Administers
    Admin,
}

pub async fn run(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(context::Role::Admin).await?;
    let output = context.output;
    let (id, change) = match command {
        Command::List { limit } => {
            output.print(&api.accounts(*limit).await?, rendered)?;
            return Ok(Exit::Success);
        }
        Command::Delete { id } => {
            api.delete_account(&id.to_string()).await?;
            output.print(&json!({"deleted": id}), |_| format!("deleted {id}"))?;
            return Ok(Exit::Success);
        }
        Command::Role { id, role: Role::User } => (id, json!({"role": "USER"})),
        Command::Role { id, role: Role::Admin } => (id, json!({"role": "ADMIN"})),
        Command::Disable { id } => (id, json!({"disabled": true})),
        Command::Enable { id } => (id, json!({"disabled": false})),
    };
    let account = api.change_account(&id.to_string(), &change).await?;
    output.print(&account, |account| format!("{} is {} {}", account.email, state(account), account.role))?;
    Ok(Exit::Success)
}

fn rendered(accounts: &Listed<Account>) -> String {
    let mut rows = vec![["ID", "E-MAIL", "ROLE", "STATE"].map(str::to_owned).to_vec()];
    rows.extend(accounts.data.iter().map(|account| {
        let Account { id, email, role, .. } = account;
        vec![id.clone(), printable(email), role.clone(), state(account).to_owned()]
    }));
    table(&rows) + left_out(accounts.has_more)
}

fn state(account: &Account) -> &'static str {
    if account.disabled { "disabled" } else { "enabled" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_one_row() {
        let text = r#"{"id":"a-1","email":"ada@example.com","role":"USER","disabled":true}"#;
        let account: Account = serde_json::from_str(text).expect("the wire shape");
        let text = rendered(&Listed { data: vec![account], has_more: false });
        assert_eq!(text, "ID   E-MAIL           ROLE  STATE\na-1  ada@example.com  USER  disabled");
    }
}
