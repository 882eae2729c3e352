//! Dead letters: events no delivery could settle, kept until somebody decides.
//!
//! `<stream>.dead` is a stream of the original fields plus what went wrong; `<stream>.dead.index` maps `group/event id` to
//! its entry, so that an event the reconciler publishes again while it lies here is not buried twice. A redrive appends the
//! event to its stream with the same id, marked for the group that failed, and removes the dead letter in the same script:
//! of two redrives at once, one finds nothing. Redis losing all this loses nothing: the outbox still has the event.

use jiff::Timestamp;
use redis::{Pipeline, Script, Value};
use serde::Serialize;
use utoipa::ToSchema;

use crate::events::Envelope;

use super::{
    Broker, BrokerError,
    entry::{Entry, Fields, entries},
};

/// Prefix of the fields that were not part of the event.
const META: &str = "dead-";

/// An entry on its way to the dead letters.
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
    /// The event's id; an entry without one is known by its entry id.
    fn index_field(&self) -> String {
        let id = self.fields.and_then(|fields| fields.get("id")).unwrap_or(self.entry);
        format!("{}/{id}", self.group)
    }
}

fn dead_stream(stream: &str) -> String {
    format!("{stream}.dead")
}

fn index(stream: &str) -> String {
    format!("{stream}.dead.index")
}

pub(super) async fn is_buried(broker: &Broker, burial: &Burial<'_>) -> Result<bool, BrokerError> {
    let mut command = redis::cmd("HEXISTS");
    command.arg(index(burial.stream)).arg(burial.index_field());
    broker.command(command).await
}

/// Appends a burial, as part of the MULTI that acknowledges the entry.
pub(super) fn append(pipeline: &mut Pipeline, burial: &Burial<'_>) {
    let mut add = redis::cmd("XADD");
    add.arg(dead_stream(burial.stream)).arg("*");
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
        ("index", burial.index_field()),
    ];
    for (field, value) in meta {
        add.arg(format!("{META}{field}")).arg(value);
    }
    let mut remember = redis::cmd("HSET");
    remember.arg(index(burial.stream)).arg(burial.index_field()).arg(burial.entry);
    pipeline.add_command(add).add_command(remember);
}

/// A dead letter as the operations API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeadLetter {
    /// Names it in the operations API.
    #[schema(example = "order_completed.dead~1700000000000-0")]
    pub id: String,
    pub stream: String,
    pub group: String,
    pub consumer: String,
    pub deliveries: u32,
    /// The original event: envelope fields, `data` parsed when it is JSON.
    #[schema(value_type = Object)]
    pub event: serde_json::Map<String, serde_json::Value>,
    /// `unreadable`, `rejected` or `delivery-limit`.
    pub reason: String,
    pub first_error: String,
    pub last_error: String,
    pub first_failed_at: String,
    pub dead_lettered_at: String,
}

/// Which dead letters a redrive means.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeadLetterFilter {
    pub event_type: Option<String>,
    pub reason: Option<String>,
}

impl DeadLetterFilter {
    fn matches(&self, letter: &DeadLetter) -> bool {
        let kind = letter.event.get("type").and_then(|v| v.as_str()).unwrap_or_default();
        self.event_type.as_ref().is_none_or(|wanted| wanted == kind) && self.reason.as_ref().is_none_or(|wanted| *wanted == letter.reason)
    }
}

/// Why a dead letter could not be served.
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

    /// How many dead letters an event type's stream has.
    ///
    /// # Errors
    /// Redis is not available.
    pub async fn count(&self, stream: &str) -> Result<u64, BrokerError> {
        let mut command = redis::cmd("XLEN");
        command.arg(dead_stream(stream));
        self.broker.command(command).await
    }

    /// Up to `limit` dead letters of a stream, oldest first, after the entry id `after`.
    ///
    /// # Errors
    /// Redis is not available.
    pub async fn list(&self, stream: &str, after: Option<&str>, limit: usize) -> Result<Vec<DeadLetter>, BrokerError> {
        let start = after.map_or_else(|| "-".to_owned(), |id| format!("({id}"));
        let mut command = redis::cmd("XRANGE");
        command.arg(dead_stream(stream)).arg(start).arg("+").arg("COUNT").arg(limit);
        let answer: Value = self.broker.command(command).await?;
        Ok(entries(answer).into_iter().map(|entry| letter(stream, entry)).collect())
    }

    /// One dead letter.
    ///
    /// # Errors
    /// [`DeadLetterError::Absent`], or Redis is not available.
    pub async fn get(&self, id: &str) -> Result<DeadLetter, DeadLetterError> {
        let (stream, entry) = self.fetch(id).await?;
        Ok(letter(&stream, entry))
    }

    /// Sends a dead letter to the group that failed, with the same event id, and removes it. Works once.
    ///
    /// # Errors
    /// [`DeadLetterError::Absent`], or Redis is not available.
    pub async fn redrive(&self, id: &str) -> Result<(), DeadLetterError> {
        let (stream, entry) = self.fetch(id).await?;
        let fields = entry.fields.unwrap_or_default();
        let meta = |name: &str| meta(&fields, name).to_owned();
        // Between the look and the leap somebody else may have decided: only who removes it may append it.
        let script = Script::new(
            "if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
             redis.call('HDEL', KEYS[2], ARGV[2])
             redis.call('XADD', KEYS[3], '*', unpack(ARGV, 3))
             return 1",
        );
        let mut call = script.prepare_invoke();
        call.key(dead_stream(&stream)).key(index(&stream)).key(meta("key"));
        call.arg(&entry.id).arg(meta("index"));
        for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with(META) && *name != "redrivegroup") {
            call.arg(name).arg(value);
        }
        call.arg("redrivegroup").arg(meta("group"));
        match self.broker.script::<u32>(&call).await? {
            0 => Err(DeadLetterError::Absent),
            _ => Ok(()),
        }
    }

    /// Redrives every dead letter of a stream that matches; how many matched and how many were redriven (none in a dry run).
    ///
    /// # Errors
    /// Redis is not available; what was redriven before stays so.
    pub async fn redrive_all(&self, stream: &str, filter: &DeadLetterFilter, dry_run: bool) -> Result<(usize, usize), BrokerError> {
        let (mut matched, mut redriven, mut after) = (0, 0, None);
        loop {
            let page = self.list(stream, after.as_deref(), 100).await?;
            let Some(last) = page.last() else { return Ok((matched, redriven)) };
            after = split(&last.id).map(|(_, entry)| entry.to_owned());
            for letter in page.iter().filter(|letter| filter.matches(letter)) {
                matched += 1;
                if !dry_run && self.redrive_or_skip(&letter.id).await? {
                    redriven += 1;
                }
            }
        }
    }

    async fn redrive_or_skip(&self, id: &str) -> Result<bool, BrokerError> {
        match self.redrive(id).await {
            Ok(()) => Ok(true),
            Err(DeadLetterError::Absent) => Ok(false),
            Err(DeadLetterError::Broker(error)) => Err(error),
        }
    }

    /// Removes a dead letter for good.
    ///
    /// # Errors
    /// [`DeadLetterError::Absent`], or Redis is not available.
    pub async fn discard(&self, id: &str) -> Result<(), DeadLetterError> {
        let (stream, entry) = self.fetch(id).await?;
        let field = entry.fields.as_ref().map_or("", |fields| meta(fields, "index"));
        let mut pipeline = Pipeline::new();
        pipeline.atomic();
        pipeline.cmd("XDEL").arg(dead_stream(&stream)).arg(&entry.id);
        pipeline.cmd("HDEL").arg(index(&stream)).arg(field);
        self.broker.run(&mut pipeline).await?;
        Ok(())
    }

    /// Makes an event that was acknowledged a dead letter of `group`, once however often it is asked for.
    ///
    /// # Errors
    /// Redis is not available.
    pub async fn bury_event(&self, stream: &str, group: &str, envelope: &Envelope, reason: &str, error: &str) -> Result<(), BrokerError> {
        let entry = Entry::of(envelope.id.to_string(), envelope);
        let burial = Burial {
            stream,
            key: stream,
            group,
            consumer: "",
            entry: &entry.id,
            fields: entry.fields.as_ref(),
            deliveries: 1,
            reason,
            first_error: error,
            last_error: error,
            first_failed_at: Timestamp::now(),
        };
        if is_buried(&self.broker, &burial).await? {
            return Ok(());
        }
        let mut pipeline = Pipeline::new();
        pipeline.atomic();
        append(&mut pipeline, &burial);
        self.broker.run(&mut pipeline).await.map(drop)
    }

    async fn fetch(&self, id: &str) -> Result<(String, Entry), DeadLetterError> {
        let (stream, entry) = split(id).ok_or(DeadLetterError::Absent)?;
        let mut command = redis::cmd("XRANGE");
        command.arg(dead_stream(stream)).arg(entry).arg(entry);
        let answer: Value = match self.broker.command(command).await {
            Err(BrokerError::Refused(_)) => return Err(DeadLetterError::Absent), // not an entry id
            other => other?,
        };
        let entry = entries(answer).into_iter().next().ok_or(DeadLetterError::Absent)?;
        Ok((stream.to_owned(), entry))
    }
}

/// What was noted beside the event.
fn meta<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(&format!("{META}{name}")).unwrap_or_default()
}

/// `order_completed.dead~1700000000000-0` -> (`order_completed`, `1700000000000-0`)
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
    letter.event = fields.iter().filter(|(field, _)| !field.starts_with(META)).map(readable).collect();
    letter
}

fn readable((field, value): (&str, &str)) -> (String, serde_json::Value) {
    let parsed = (field == "data").then(|| serde_json::from_str(value).ok()).flatten();
    (field.to_owned(), parsed.unwrap_or_else(|| value.into()))
}
