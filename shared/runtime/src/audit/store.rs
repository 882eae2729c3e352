use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Act, Outcome,
    record::{Caller, Record},
};
use crate::db::{Connection, DbError, Parameter, Row, Write};

pub(super) struct WriteAudit;

impl Write for WriteAudit {
    type Item = Record;
    type Output = ();

    const NAME: &'static str = "audit";

    async fn commit(&self, connection: &Connection, items: &[Record]) -> Result<Vec<()>, DbError> {
        insert(connection, items).await?;
        Ok(vec![(); items.len()])
    }
}

async fn insert(connection: &Connection, records: &[Record]) -> Result<(), DbError> {
    fn column<'a, T>(records: &'a [Record], value: impl Fn(&'a Record) -> T) -> Vec<T> {
        records.iter().map(value).collect()
    }
    fn caller(record: &Record) -> Option<&Caller> {
        record.act.caller.as_ref()
    }
    let sql = "INSERT INTO audit (id, at, actor, role, session, address, action, subject, outcome, status, code, request_id, details)
               SELECT id, clock_timestamp() - age * interval '1 second', actor, role, session, address, action, subject, outcome, status,
                      code, request_id, details::json
               FROM unnest($1::uuid[], $2::float8[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
                           $10::int4[], $11::text[], $12::text[], $13::text[])
                    AS r (id, age, actor, role, session, address, action, subject, outcome, status, code, request_id, details)
               ON CONFLICT (id) DO NOTHING";
    let statement = connection.prepare_cached(sql).await?;
    let parameters: [Parameter<'_>; 13] = [
        &column(records, |record| record.id),
        &column(records, |record| record.age().as_secs_f64()),
        &column(records, |record| caller(record).map(|caller| caller.id.as_str())),
        &column(records, |record| caller(record).and_then(|caller| caller.role)),
        &column(records, |record| caller(record).and_then(|caller| caller.session)),
        &column(records, |record| record.act.address.map(|address| address.to_string())),
        &column(records, |record| record.act.action.as_str()),
        &column(records, |record| record.act.subject.as_deref()),
        &column(records, |record| record.act.outcome.as_str()),
        &column(records, |record| i32::from(record.act.status)),
        &column(records, |record| record.act.code),
        &column(records, |record| record.act.request_id.as_str()),
        &column(records, Record::details),
    ];
    connection.execute(&statement, &parameters).await.map(drop)
}

/// Records what a command line did: without a token and an address.
pub async fn record_command(
    connection: &Connection,
    command: &str,
    subject: String,
    details: Map<String, Value>,
) -> Result<(), DbError> {
    let act = Act {
        caller: None,
        address: None,
        source: None,
        action: command.to_owned(),
        subject: Some(subject),
        outcome: Outcome::Done,
        status: 0,
        code: None,
        request_id: String::new(),
        details,
    };
    insert(connection, &[Record::new(act)]).await
}

/// Narrows a list of records. Each field runs along an index.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub actor: Option<String>,
    pub subject: Option<String>,
    pub action: Option<String>,
    pub outcome: Option<Outcome>,
    /// Inclusive.
    pub since: Option<Timestamp>,
    /// Exclusive.
    pub until: Option<Timestamp>,
}

/// The place of a record in the list: time, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub at: Timestamp,
    pub id: Uuid,
}

impl Position {
    /// Reads what [`Self::text`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('~')?;
        // PostgreSQL does not know the earliest times of jiff.
        let at =
            Timestamp::from_microsecond(at.parse().ok()?).ok().filter(|at| *at >= Timestamp::UNIX_EPOCH)?;
        Some(Self { at, id: id.parse().ok()? })
    }

    /// Microseconds, as PostgreSQL counts, and the id.
    pub fn text(&self) -> String {
        format!("{}~{}", self.at.as_microsecond(), self.id)
    }
}

/// A record of the audit trail.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub struct StoredRecord {
    pub id: Uuid,
    /// By the clock of PostgreSQL.
    pub at: Timestamp,
    /// The account or service that acted; `null` without a valid token.
    #[schema(required)]
    pub actor: Option<String>,
    #[schema(example = "ADMIN", required)]
    pub role: Option<String>,
    /// The login that the token came from.
    #[schema(required)]
    pub session: Option<Uuid>,
    /// The address that the request came from.
    #[schema(example = "203.0.113.7", required)]
    pub address: Option<String>,
    /// Method and route, or the command.
    #[schema(example = "PATCH /users/{id}")]
    pub action: String,
    /// The id of what was acted on.
    #[schema(required)]
    pub subject: Option<String>,
    /// `done`, `refused` (401, 403, 429), `failed` (another 4xx) or `unknown` (5xx: it may have taken effect).
    #[schema(value_type = Outcome)]
    pub outcome: String,
    /// The HTTP status; 0 for a command.
    pub status: i32,
    /// The code of the problem.
    #[schema(required)]
    pub code: Option<String>,
    pub request_id: String,
    /// Further facts, such as the new role.
    #[schema(value_type = Object)]
    pub details: Value,
}

impl StoredRecord {
    /// Its place in the list.
    pub fn position(&self) -> Position {
        Position { at: self.at, id: self.id }
    }

    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            role: row.get("role")?,
            session: row.get("session")?,
            address: row.get("address")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            outcome: row.get("outcome")?,
            status: row.get("status")?,
            code: row.get("code")?,
            request_id: row.get("request_id")?,
            details: serde_json::from_str(row.get("details")?).unwrap_or_default(),
        })
    }
}

/// Lists at most `limit` records before `before`, newest first.
pub(super) async fn list(
    connection: &Connection,
    filter: &Filter,
    before: Option<Position>,
    limit: usize,
) -> Result<Vec<StoredRecord>, DbError> {
    let outcome = filter.outcome.map(Outcome::as_str);
    let (at, id) = before.map(|before| (before.at, before.id)).unzip();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut parameters: Vec<Parameter<'_>> = vec![&limit];
    let mut conditions = String::from("true");
    // A condition with `OR $1 IS NULL` would not run along an index.
    let narrow = [
        ("actor =", filter.actor.as_ref().map(|value| value as Parameter<'_>)),
        ("subject =", filter.subject.as_ref().map(|value| value as Parameter<'_>)),
        ("action =", filter.action.as_ref().map(|value| value as Parameter<'_>)),
        ("outcome =", outcome.as_ref().map(|value| value as Parameter<'_>)),
        ("at >=", filter.since.as_ref().map(|value| value as Parameter<'_>)),
        ("at <", filter.until.as_ref().map(|value| value as Parameter<'_>)),
    ];
    for (condition, value) in narrow {
        if let Some(value) = value {
            parameters.push(value);
            conditions += &format!(" AND {condition} ${}", parameters.len());
        }
    }
    if let (Some(at), Some(id)) = (&at, &id) {
        parameters.extend([at as Parameter<'_>, id]);
        conditions += &format!(" AND (at, id) < (${}, ${})", parameters.len() - 1, parameters.len());
    }
    let sql = format!(
        "SELECT id, at, actor, role, session, address, action, subject, outcome, status, code, request_id, details::text
         FROM audit WHERE {conditions} ORDER BY at DESC, id DESC LIMIT $1"
    );
    let statement = connection.prepare_cached(&sql).await?;
    connection.query(&statement, &parameters).await?.iter().map(StoredRecord::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written_and_nothing_else_is_one() {
        let position =
            Position { at: Timestamp::from_microsecond(1_796_000_000_123_456).unwrap(), id: Uuid::nil() };
        assert_eq!(Position::parse(&position.text()), Some(position));
        for text in ["", "1", "1~", "~", "x~00000000-0000-0000-0000-000000000000", "99999999999999999999~x"] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }
}
