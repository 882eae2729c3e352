use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::api::{Api, AuditRecord};
use crate::context::Context;
use crate::context::Role;
use crate::exit::Exit;
use crate::stack::Kind;
use crate::terminal::{printable, table};
use crate::values::{at_least_one, time};

const EXAMPLES: &str = "\
Examples:
  shopctl audit                                   the newest acts of all three services
  shopctl audit --outcome refused --limit 100     who was refused lately
  shopctl audit --service user --action 'PATCH /users/{id}' --json
  shopctl audit --subject MUG --since 2026-11-30
  shopctl audit --since 15m";

/// `shopctl audit`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Service whose trail is shown [default: all three]
    #[arg(long)]
    service: Option<Service>,
    /// Id of the account or service that acted
    #[arg(long)]
    actor: Option<String>,
    /// Id that was acted on, such as an account or a SKU
    #[arg(long)]
    subject: Option<String>,
    /// Method and route, such as 'PATCH /users/{id}'
    #[arg(long)]
    action: Option<String>,
    /// Outcome of the act
    #[arg(long, value_parser = ["done", "refused", "failed", "unknown"])]
    outcome: Option<String>,
    /// Earliest time: 2026-11-30T08:00:00Z, 2026-11-30 (UTC), or 15m for that long ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Time before which the acts were, given likewise
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Maximum number of records of each service
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Service {
    User,
    Inventory,
    Payment,
}

impl Service {
    fn kind(self) -> Kind {
        match self {
            Self::User => Kind::User,
            Self::Inventory => Kind::Inventory,
            Self::Payment => Kind::Payment,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
struct Line {
    service: &'static str,
    #[serde(flatten)]
    record: AuditRecord,
}

pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(Role::Admin).await?;
    let lines = newest(&api, args).await?;
    context.output.print(&json!({"records": lines}), |_| rendered(&lines))?;
    Ok(Exit::Success)
}

/// Newest first.
async fn newest(api: &Api, args: &Args) -> anyhow::Result<Vec<Line>> {
    let filter = filter(args);
    let mut lines = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| args.service.is_none_or(|only| only.kind() == *kind)) {
        let records = api.audit(kind, &filter, args.limit).await?;
        lines.extend(records.into_iter().map(|record| Line { service: kind.name(), record }));
    }
    lines.sort_by(|a, b| (b.record.at, &b.record.id).cmp(&(a.record.at, &a.record.id)));
    Ok(lines)
}

fn filter(args: &Args) -> Vec<(&'static str, String)> {
    let Args { actor, subject, action, outcome, since, until, .. } = args;
    let given = [
        ("actor", actor.clone()),
        ("subject", subject.clone()),
        ("action", action.clone()),
        ("outcome", outcome.clone()),
        ("since", since.map(|time| time.to_string())),
        ("until", until.map(|time| time.to_string())),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn rendered(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no such record".to_owned();
    }
    let heading = ["TIME", "SERVICE", "ACTOR", "ROLE", "ADDRESS", "ACTION", "SUBJECT", "OUTCOME", "DETAILS"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(lines.iter().map(row));
    table(&rows)
}

fn row(Line { service, record }: &Line) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), printable);
    let outcome = match &record.code {
        Some(code) => format!("{} ({} {code})", record.outcome, record.status),
        None => record.outcome.clone(),
    };
    let details = if record.details == json!({}) { "-".to_owned() } else { record.details.to_string() };
    vec![
        format!("{:.3}", record.at),
        (*service).to_owned(),
        or_dash(&record.actor),
        or_dash(&record.role),
        or_dash(&record.address),
        printable(&record.action),
        or_dash(&record.subject),
        printable(&outcome),
        printable(&details),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_row_without_control_characters() {
        let record = r#"{"id":"0190a5c4-0000-7000-8000-000000000000","at":"2026-11-30T08:00:00.123456Z","actor":"a","role":"ADMIN",
            "session":null,"address":"192.0.2.1","action":"PATCH /users/{id}","subject":"b\u001b[31m","outcome":"refused","status":403,
            "code":"forbidden","request_id":"r","details":{"role":"ADMIN"}}"#;
        let record = serde_json::from_str(record).expect("the wire shape");
        assert_eq!(
            row(&Line { service: "user", record }).join(" | "),
            "2026-11-30T08:00:00.123Z | user | a | ADMIN | 192.0.2.1 | PATCH /users/{id} | b\\u{1b}[31m | refused (403 forbidden) | \
             {\"role\":\"ADMIN\"}"
        );
    }
}
