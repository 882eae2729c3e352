use std::str::FromStr;

use serde_json::json;

use crate::api::OauthClient;
use crate::context::Context;
use crate::context::Role;
use crate::exit::Exit;
use crate::terminal::table;

const EXAMPLES: &str = "\
Examples:
  shopctl clients create reports --scope orders:read      with a random secret, printed once
  shopctl clients rotate reports                          a new secret; the old one ends at once
  shopctl clients revoke reports                          its tokens are refused within a minute

Scopes: products:read, stock:write, orders:read";

/// `shopctl clients ...`
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Command {
    /// List the clients, revoked ones included
    List,
    /// Create a client; a revoked one begins anew
    #[command(after_help = EXAMPLES)]
    Create {
        /// Name of the client: a-z, 0-9 and -
        id: Id,
        /// Scope that the client may request; repeat the option for several
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
    },
    /// Give a client a new secret; its tokens stay valid until they expire
    Rotate {
        /// Name of the client
        id: Id,
    },
    /// Revoke a client and its tokens
    Revoke {
        /// Name of the client
        id: Id,
    },
}

/// Goes into a URL as it is.
#[derive(Debug, Clone)]
pub struct Id(String);

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !text.is_empty() && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("the name of a client has the characters a-z, 0-9 and -".to_owned())
        }
    }
}

pub async fn run(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(Role::Admin).await?;
    let output = &context.output;
    match command {
        Command::List => {
            let clients = api.clients().await?;
            output.print(&json!({"data": clients}), |_| rendered(&clients))?;
        }
        Command::Create { id: Id(id), scopes } => {
            output.print(&api.create_client(id, scopes).await?, |client| with_secret("created", client))?;
        }
        Command::Rotate { id: Id(id) } => {
            let client = api.rotate_client_secret(id).await?;
            output.print(&client, |client| with_secret("gave a new secret to", client))?;
        }
        Command::Revoke { id: Id(id) } => {
            api.revoke_client(id).await?;
            output.print(&json!({"revoked": id}), |_| format!("revoked {id}"))?;
        }
    }
    Ok(Exit::Success)
}

fn with_secret(done: &str, client: &OauthClient) -> String {
    let secret = client.client_secret.as_deref().unwrap_or("?");
    format!(
        "{done} {} with the scopes {}\nsecret: {secret} (shown only once)",
        client.client_id,
        client.scopes.join(" ")
    )
}

fn rendered(clients: &[OauthClient]) -> String {
    if clients.is_empty() {
        return "no clients".to_owned();
    }
    let heading = ["CLIENT", "SCOPES", "CREATED", "NEW SECRET", "REVOKED"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(clients.iter().map(row));
    table(&rows)
}

fn row(client: &OauthClient) -> Vec<String> {
    let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        client.client_id.clone(),
        client.scopes.join(" "),
        client.created_at.clone(),
        time(&client.rotated_at),
        time(&client.revoked_at),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_one_row_without_its_secret() {
        let text = r#"{"client_id":"reports","scopes":["products:read","orders:read"],"created_at":"2026-11-30T08:00:00Z",
            "rotated_at":null,"revoked_at":"2026-11-30T09:00:00Z"}"#;
        let client: OauthClient = serde_json::from_str(text).expect("the wire shape");
        let row = row(&client).join(" | ");
        let expected =
            "reports | products:read orders:read | 2026-11-30T08:00:00Z | - | 2026-11-30T09:00:00Z";
        assert_eq!(row, expected);
    }

    #[test]
    fn a_name_that_would_change_the_address_is_a_usage_error() {
        for id in ["", "../users", "a?b", "Reports"] {
            assert!(id.parse::<Id>().is_err(), "{id}");
        }
    }
}
