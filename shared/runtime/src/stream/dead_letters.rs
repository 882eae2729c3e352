//! Dead letters: kept until an operator redrives or discards them.
//!
//! Redis keeps the effects of a MULTI or script that fails halfway: every move adds first and removes last.

use jiff::Timestamp;
use redis::{FromRedisValue, Pipeline, Script, Value};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Broker, BrokerError,
    entry::{Entry, Fields, entries},
};
use events::{Envelope, FIELD};

const META: &str = "dead-";

pub(super) struct Burial<'a> {
    pub stream: &'a str,
    pub key: &'a str,
    pub group: &'a str,
    pub consumer: &'a str,
    pub entry: &'a str,
    pub fields: Option<&'a Fields>,
    pub deliveries: u32,
    pub reason: &'a str,
    pub first_error: &'a str,
    pub last_error: &'a str,
    pub first_failed_at: Timestamp,
}

impl Burial<'_> {
    /// An unreadable event is indexed by its entry id.
    fn index_field(&self) -> String {
        let event = self.fields.and_then(Fields::event);
        let id = event.as_ref().and_then(|event| event.get("id")?.as_str()).unwrap_or(self.entry);
        format!("{}/{id}", self.group)
    }
}

fn dead_stream(stream: &str) -> String {
    format!("{stream}.dead")
}

fn index(stream: &str) -> String {
    format!("{stream}.dead.index")
}

/// Once per event. Reverts partial effects of a refused command.
pub(super) async fn bury(broker: &Broker, burial: &Burial<'_>) -> Result<(), BrokerError> {
    let letters = dead_stream(burial.stream);
    let index = index(burial.stream);
    let field = burial.index_field();
    let mut known = redis::cmd("HEXISTS");
    known.arg(&index).arg(&field);
    if broker.command::<bool>(known).await? {
        return Ok(());
    }
    let mut pipeline = Pipeline::new();
    pipeline.add_command(letter_command(&letters, burial, &field));
    pipeline.cmd("HSET").arg(&index).arg(&field).arg(burial.entry);
    let mut answers = broker.transaction(pipeline).await?.into_iter().map(Value::extract_error);
    let (added, indexed) =
        (answers.next().unwrap_or(Ok(Value::Nil)), answers.next().unwrap_or(Ok(Value::Nil)));
    match (added, indexed) {
        (Ok(_), Ok(_)) => Ok(()),
        (Ok(letter), Err(refused)) => {
            let mut undo = redis::cmd("XDEL");
            undo.arg(&letters).arg(String::from_redis_value(letter).unwrap_or_default());
            broker.command::<Value>(undo).await?;
            Err(refused.into())
        }
        (Err(refused), indexed) => {
            let mut undo = redis::cmd("HDEL");
            undo.arg(&index).arg(&field);
            indexed.is_ok().then_some(broker.command::<Value>(undo).await).transpose()?;
            Err(refused.into())
        }
    }
}

fn letter_command(letters: &str, burial: &Burial<'_>, field: &str) -> redis::Cmd {
    let mut add = redis::cmd("XADD");
    add.arg(letters).arg("*");
    for (name, value) in burial.fields.into_iter().flat_map(Fields::iter) {
        add.arg(name).arg(value);
    }
    let meta = [
        ("key", burial.key.to_owned()),
        ("group", burial.group.to_owned()),
        ("consumer", burial.consumer.to_owned()),
        ("deliveries", burial.deliveries.to_string()),
        ("reason", burial.reason.to_owned()),
        ("first-error", burial.first_error.to_owned()),
        ("last-error", burial.last_error.to_owned()),
        ("first-failed-at", burial.first_failed_at.to_string()),
        ("at", Timestamp::now().to_string()),
        ("index", field.to_owned()),
    ];
    for (field, value) in meta {
        add.arg(format!("{META}{field}")).arg(value);
    }
    add
}

/// A dead letter as the operations API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeadLetter {
    /// Identifier in the operations API.
    #[schema(example = "order_completed.dead~1700000000000-0")]
    pub id: String,
    pub stream: String,
    pub group: String,
    pub consumer: String,
    pub deliveries: u32,
    /// The original event, or the raw fields of an unreadable entry.
    #[schema(value_type = Object)]
    pub event: serde_json::Map<String, serde_json::Value>,
    /// `unreadable`, `rejected` or `delivery-limit`.
    pub reason: String,
    pub first_error: String,
    pub last_error: String,
    #[schema(format = DateTime)]
    pub first_failed_at: String,
    #[schema(format = DateTime)]
    pub dead_lettered_at: String,
}

/// Selects dead letters for a redrive.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeadLetterFilter {
    pub event_type: Option<String>,
    pub reason: Option<String>,
}

impl DeadLetterFilter {
    fn matches(&self, letter: &DeadLetter) -> bool {
        let kind = letter.event.get("type").and_then(|v| v.as_str()).unwrap_or_default();
        self.event_type.as_ref().is_none_or(|wanted| wanted == kind)
            && self.reason.as_ref().is_none_or(|wanted| *wanted == letter.reason)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Redriven {
    pub matched: usize,
    pub redriven: usize,
    /// Kept, because Redis refused the move.
    pub refused: usize,
}

/// Failure of an operation on a dead letter.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    #[error("there is no such dead letter")]
    Absent,
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// The dead letters of every stream.
#[derive(Clone)]
pub struct DeadLetters {
    broker: Broker,
}

impl DeadLetters {
    pub fn new(broker: Broker) -> Self {
        Self { broker }
    }

    /// Counts the dead letters.
    pub async fn count(&self, stream: &str) -> Result<u64, BrokerError> {
        let mut command = redis::cmd("XLEN");
        command.arg(dead_stream(stream));
        self.broker.command(command).await
    }

    /// Oldest first, after the entry id `after`.
    pub async fn list(
        &self,
        stream: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, BrokerError> {
        let start = after.map_or_else(|| "-".to_owned(), |id| format!("({id}"));
        let mut command = redis::cmd("XRANGE");
        command.arg(dead_stream(stream)).arg(start).arg("+").arg("COUNT").arg(limit);
        let answer: Value = self.broker.command(command).await?;
        Ok(entries(answer).into_iter().map(|entry| letter(stream, entry)).collect())
    }

    pub async fn get(&self, id: &str) -> Result<DeadLetter, DeadLetterError> {
        let (stream, entry) = self.fetch(id).await?;
        Ok(letter(&stream, entry))
    }

    /// Moves a dead letter back to its stream, for the failed group.
    pub async fn redrive(&self, id: &str) -> Result<(), DeadLetterError> {
        let (stream, entry) = self.fetch(id).await?;
        let fields = entry.fields.unwrap_or_default();
        let meta = |name: &str| meta(&fields, name).to_owned();
        // Guards against a concurrent redrive; a refused XADD ends the script before any removal.
        let script = Script::new(
            "if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end
             redis.call('XADD', KEYS[3], '*', unpack(ARGV, 3))
             redis.call('XDEL', KEYS[1], ARGV[1])
             redis.call('HDEL', KEYS[2], ARGV[2])
             return 1",
        );
        let mut call = script.prepare_invoke();
        call.key(dead_stream(&stream)).key(index(&stream)).key(meta("key"));
        call.arg(&entry.id).arg(meta("index"));
        match fields.event() {
            Some(mut event) => {
                event.insert("redrivegroup".to_owned(), meta("group").into());
                call.arg(FIELD).arg(serde_json::Value::Object(event).to_string());
            }
            // An unreadable entry returns with its fields as stored.
            None => fields.iter().filter(|(name, _)| !name.starts_with(META)).for_each(|(name, value)| {
                call.arg(name).arg(value);
            }),
        }
        match self.broker.script::<u32>(&call).await? {
            0 => Err(DeadLetterError::Absent),
            _ => Ok(()),
        }
    }

    /// Redrives (or, in a dry run, counts) matching dead letters. Earlier redrives survive an error.
    pub async fn redrive_all(
        &self,
        stream: &str,
        filter: &DeadLetterFilter,
        dry_run: bool,
    ) -> Result<Redriven, BrokerError> {
        let mut count = Redriven::default();
        let mut after = None;
        loop {
            let page = self.list(stream, after.as_deref(), 100).await?;
            let Some(last) = page.last() else { return Ok(count) };
            after = split(&last.id).map(|(_, entry)| entry.to_owned());
            for letter in page.iter().filter(|letter| filter.matches(letter)) {
                count.matched += 1;
                if !dry_run {
                    self.redrive_and_count(&letter.id, &mut count).await?;
                }
            }
        }
    }

    async fn redrive_and_count(&self, id: &str, count: &mut Redriven) -> Result<(), BrokerError> {
        match self.redrive(id).await {
            Ok(()) => count.redriven += 1,
            Err(DeadLetterError::Absent) => {}
            Err(DeadLetterError::Broker(error @ BrokerError::Refused(_))) => {
                tracing::warn!(dead_letter = id, %error, "a dead letter was not redriven; it stays");
                count.refused += 1;
            }
            Err(DeadLetterError::Broker(error)) => return Err(error),
        }
        Ok(())
    }

    /// For an event acknowledged and later given up. Idempotent.
    pub async fn bury_event(
        &self,
        stream: &str,
        group: &str,
        envelope: &Envelope,
        reason: &str,
        error: &str,
    ) -> Result<(), BrokerError> {
        let event = envelope.id.to_string();
        let fields = Fields::from(envelope);
        let burial = Burial {
            stream,
            key: &self.broker.key_of(stream, envelope),
            group,
            consumer: "",
            entry: &event,
            fields: Some(&fields),
            deliveries: 1,
            reason,
            first_error: error,
            last_error: error,
            first_failed_at: Timestamp::now(),
        };
        bury(&self.broker, &burial).await
    }

    /// Removes a dead letter permanently.
    pub async fn discard(&self, id: &str) -> Result<(), DeadLetterError> {
        let (stream, entry) = self.fetch(id).await?;
        let field = entry.fields.as_ref().map_or("", |fields| meta(fields, "index"));
        let mut pipeline = Pipeline::new();
        pipeline.cmd("XDEL").arg(dead_stream(&stream)).arg(&entry.id);
        pipeline.cmd("HDEL").arg(index(&stream)).arg(field);
        for answer in self.broker.transaction(pipeline).await? {
            answer.extract_error().map_err(BrokerError::from)?;
        }
        Ok(())
    }

    async fn fetch(&self, id: &str) -> Result<(String, Entry), DeadLetterError> {
        let (stream, entry) = split(id).ok_or(DeadLetterError::Absent)?;
        let mut command = redis::cmd("XRANGE");
        command.arg(dead_stream(stream)).arg(entry).arg(entry);
        let answer: Value = match self.broker.command(command).await {
            Err(error) if error.is_final() => return Err(DeadLetterError::Absent), // malformed entry id
            other => other?,
        };
        let entry = entries(answer).into_iter().next().ok_or(DeadLetterError::Absent)?;
        Ok((stream.to_owned(), entry))
    }
}

fn meta<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(&format!("{META}{name}")).unwrap_or_default()
}

/// Splits `order_completed.dead~1700000000000-0`.
fn split(id: &str) -> Option<(&str, &str)> {
    let (dead, entry) = id.split_once('~')?;
    Some((dead.strip_suffix(".dead")?, entry))
}

fn letter(stream: &str, entry: Entry) -> DeadLetter {
    let fields = entry.fields.unwrap_or_default();
    let meta = |name: &str| meta(&fields, name).to_owned();
    let mut letter = DeadLetter {
        id: format!("{}~{}", dead_stream(stream), entry.id),
        stream: stream.to_owned(),
        group: meta("group"),
        consumer: meta("consumer"),
        deliveries: meta("deliveries").parse().unwrap_or(0),
        event: serde_json::Map::new(),
        reason: meta("reason"),
        first_error: meta("first-error"),
        last_error: meta("last-error"),
        first_failed_at: meta("first-failed-at"),
        dead_lettered_at: meta("at"),
    };
    letter.event = fields.event().unwrap_or_else(|| {
        let own = fields.iter().filter(|(field, _)| !field.starts_with(META));
        own.map(|(field, value)| (field.to_owned(), value.into())).collect()
    });
    letter
}
