use std::str::FromStr;

use serde_json::json;

use crate::api::SigningKey;
use crate::context::{Context, Role};
use crate::exit::Exit;
use crate::terminal::{printable, table};

const EXAMPLES: &str = "\
Examples:
  shopctl keys rotate           a new key; it signs in a minute, and the one before verifies until its tokens expire
  shopctl keys list
  shopctl keys rotate && shopctl keys retire KID      KID was stolen: its tokens are refused within a minute";

/// `shopctl keys ...`
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Command {
    /// List the signing keys, newest first
    List,
    /// Publish a new signing key, which signs after `signing-key-notice`
    Rotate,
    /// Retire a signing key now; everybody with a token of it has to refresh
    Retire {
        /// Id of the key, as in `list`
        // One in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: Kid,
    },
}

/// Safe in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kid(String);

impl FromStr for Kid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let is_kid = !text.is_empty() && text.chars().all(is_letter);
        is_kid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| "a kid has letters, digits, - and _ only".to_owned())
    }
}

pub async fn run(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(Role::Admin).await?;
    match command {
        Command::List => {
            let keys = api.signing_keys().await?;
            context.output.print(&json!({"data": keys}), |_| rendered(&keys))?;
        }
        Command::Rotate => {
            let key = api.rotate_key().await?;
            context.output.print(&key, |key| {
                format!("published {}; it signs from {}", printable(&key.kid), printable(&key.signs_from))
            })?;
        }
        Command::Retire { kid: Kid(kid) } => {
            api.retire_key(kid).await?;
            context.output.print(&json!({"retired": kid}), |_| format!("retired {kid}"))?;
        }
    }
    Ok(Exit::Success)
}

fn rendered(keys: &[SigningKey]) -> String {
    let mut rows = vec![["KID", "STATE", "SIGNS FROM", "VERIFIES UNTIL"].map(str::to_owned).to_vec()];
    let row = |key: &SigningKey| {
        let until = key.verifies_until.as_deref().unwrap_or("-");
        [&key.kid, &key.state, &key.signs_from, until].map(printable).to_vec()
    };
    rows.extend(keys.iter().map(row));
    table(&rows)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn a_kid_that_begins_with_a_hyphen_is_no_option() {
        #[derive(clap::Parser)]
        struct Shopctl {
            #[command(subcommand)]
            command: Command,
            #[arg(long, global = true)]
            json: bool,
        }
        for kid in ["-PrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "-hrK_", "--rK"] {
            let Shopctl { command, json } = Shopctl::parse_from(["shopctl", "retire", "--json", kid]);
            assert!(
                json && matches!(command, Command::Retire { kid: Kid(ref read) } if read == kid),
                "{kid}"
            );
        }
    }

    #[test]
    fn a_kid_cannot_lead_to_another_path() {
        assert!("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".parse::<Kid>().is_ok());
        for wrong in ["", "..", "a/b", "a?b", "a%2fb", "a b"] {
            assert!(wrong.parse::<Kid>().is_err(), "{wrong}");
        }
    }
}
