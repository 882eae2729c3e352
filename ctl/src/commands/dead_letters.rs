use std::str::FromStr;

use events::ROUTES;
use serde_json::{Value, json};

use crate::api::{Api, DeadLetter, Redriven, owner_of_stream};
use crate::context::Context;
use crate::context::Role;
use crate::exit::{Exit, WrongUse};
use crate::stack::Kind;
use crate::terminal::{printable, table};
use crate::values::at_least_one;

const EXAMPLES: &str = "\
Examples:
  shopctl dead-letters list
  shopctl dead-letters show order_completed.dead~1700000000000-0
  shopctl dead-letters redrive --stream order_completed --reason delivery-limit --dry-run
  shopctl dead-letters discard order_completed.dead~1700000000000-0 --reason 'sent by hand, not JSON'";

/// `shopctl dead-letters ...`
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Command {
    /// List dead letters, of all streams or of one
    List(List),
    /// Show a dead letter with its event and its errors
    Show {
        /// Id of the dead letter, as in `list`
        id: Id,
    },
    /// Redrive dead letters: send them to the group that failed, with the same event id
    #[command(after_help = EXAMPLES)]
    Redrive(Redrive),
    /// Discard a dead letter; the audit trail keeps the reason
    Discard {
        /// Id of the dead letter
        id: Id,
        /// Reason of the discard
        #[arg(long)]
        reason: String,
    },
}

/// The dead letters to list.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Stream whose dead letters are listed [default: all]
    #[arg(long)]
    stream: Option<StreamName>,
    /// Maximum number of dead letters of each service
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
    limit: usize,
}

/// The dead letters to redrive.
#[derive(Debug, clap::Args)]
pub struct Redrive {
    /// Id of the dead letter
    #[arg(required_unless_present = "stream", conflicts_with = "stream")]
    id: Option<Id>,
    /// Stream whose dead letters are all redriven
    #[arg(long)]
    stream: Option<StreamName>,
    /// Type of the events to redrive, such as shop.order.completed.v1
    #[arg(long = "type", requires = "stream")]
    event_type: Option<String>,
    /// Reason of the dead letters to redrive, such as delivery-limit
    #[arg(long, requires = "stream")]
    reason: Option<String>,
    /// Count the dead letters without sending them
    #[arg(long, requires = "stream")]
    dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamName {
    name: String,
    owner: Kind,
}

impl FromStr for StreamName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let owner = owner_of_stream(name).filter(|_| is_url_safe(name)).ok_or_else(|| {
            let known = ROUTES.map(|route| route.stream).join(", ");
            format!("unknown stream; the streams are {known}")
        })?;
        Ok(Self { name: name.to_owned(), owner })
    }
}

/// `<stream>.dead~<entry>`: the stream determines the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id {
    id: String,
    owner: Kind,
}

impl FromStr for Id {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        let shape = || "an id looks like order_completed.dead~1700000000000-0".to_owned();
        let (stream, _) = id.split_once(".dead~").filter(|_| is_url_safe(id)).ok_or_else(shape)?;
        let StreamName { owner, .. } = stream.parse()?;
        Ok(Self { id: id.to_owned(), owner })
    }
}

fn is_url_safe(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
}

pub async fn run(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(Role::Admin).await?;
    match command {
        Command::List(args) => list(args, &api, context).await?,
        Command::Show { id } => {
            let letter = api.dead_letter(id.owner, &id.id).await?;
            let readable = serde_json::to_string_pretty(&letter)?;
            context.output.print(&letter, |_| readable)?;
        }
        Command::Redrive(args) => redrive(args, &api, context).await?,
        Command::Discard { id, reason } => {
            api.discard(id.owner, &id.id, reason).await?;
            context.output.print(&json!({"discarded": id.id}), |_| format!("discarded {}", id.id))?;
        }
    }
    Ok(Exit::Success)
}

async fn list(args: &List, api: &Api, context: &Context) -> anyhow::Result<()> {
    let stream = args.stream.as_ref().map(|stream| stream.name.as_str());
    let mut letters = Vec::new();
    for kind in [Kind::Inventory, Kind::Payment] {
        if args.stream.as_ref().is_none_or(|stream| stream.owner == kind) {
            letters.extend(api.dead_letters(kind, stream, args.limit).await?);
        }
    }
    context.output.print(&json!({"data": letters}), |_| rendered(&letters))?;
    Ok(())
}

async fn redrive(args: &Redrive, api: &Api, context: &Context) -> anyhow::Result<()> {
    let mut progress = context.output.progress();
    progress.step("Redriving");
    let outcome = match (&args.id, &args.stream) {
        (Some(id), _) => api.redrive(id.owner, &id.id).await?,
        (None, Some(stream)) => {
            api.redrive_all(stream.owner, &stream.name, &filter(args), args.dry_run).await?
        }
        (None, None) => return Err(WrongUse::new("name a dead letter, or a stream with --stream").into()),
    };
    progress.done();
    context.output.print(&outcome, |outcome| summary(outcome, args.dry_run))?;
    Ok(())
}

fn filter(args: &Redrive) -> Value {
    let given = [("type", &args.event_type), ("reason", &args.reason)];
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))).collect()
}

fn summary(outcome: &Redriven, dry_run: bool) -> String {
    match outcome.matched {
        Some(matched) if dry_run => format!("{matched} would be redriven"),
        Some(matched) => format!("{} of {matched} redriven", outcome.redriven),
        None => format!("{} redriven", outcome.redriven),
    }
}

fn rendered(letters: &[DeadLetter]) -> String {
    if letters.is_empty() {
        return "no dead letters".to_owned();
    }
    let heading = ["ID", "EVENT", "GROUP", "DELIVERIES", "REASON", "LAST ERROR"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(letters.iter().map(row));
    table(&rows)
}

fn row(letter: &DeadLetter) -> Vec<String> {
    let event_type = letter.event.get("type").and_then(Value::as_str).unwrap_or("-");
    let last_error = letter.last_error.as_deref().and_then(|error| error.lines().next()).unwrap_or("-");
    let deliveries = letter.deliveries.to_string();
    // Writers of Redis choose these texts.
    [&letter.id, event_type, &letter.group, &deliveries, &letter.reason, last_error].map(printable).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_the_service_to_ask() {
        let owner = |id: &str| id.parse().map(|Id { owner, .. }| owner);
        assert_eq!(owner("order_completed.dead~1700000000000-0"), Ok(Kind::Inventory));
        assert_eq!(owner("order_completed.3.dead~1700000000000-0"), Ok(Kind::Inventory));
        assert_eq!(owner("product_changed.dead~1-0"), Ok(Kind::Payment));
    }

    #[test]
    fn an_id_that_is_none_is_a_usage_error() {
        for id in [
            "",
            "1700000000000-0",
            "nonsense.dead~1-0",
            "order_completed.dead~../../users",
            "order_completed.dead~1?x",
        ] {
            assert!(id.parse::<Id>().is_err(), "{id}");
        }
    }
}
