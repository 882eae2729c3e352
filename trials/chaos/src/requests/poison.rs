//! F10: each poison message must end as exactly one dead letter, and a redrive must work once.
//!
//! The checker compares [`Record::Poison`] with `event.id` of `GET /ops/dead-letters`.

use std::{
    fmt,
    time::{Duration, Instant},
};

use events::{
    Envelope, Event, FIELD, MoneyData, OrderCompleted, ProductChanged, StockReserved, TraceContext,
};
use jiff::Timestamp;
use redis::{AsyncConnectionConfig, Client, RedisError};
use serde::Serialize;
use tokio::time::sleep;
use uuid::Uuid;

use super::RequestError;
use ctl::{
    api::{Api, ApiError, DeadLetter, owner_of_stream},
    client_log::{ClientLog, Record},
    stack::Kind,
};

/// A restart of Redis with its AOF takes 5 s at most.
const SENT_WITHIN: Duration = Duration::from_secs(30);
/// Longer than any answer on loopback, shorter than a fault.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(200);
const LETTERS: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Poison {
    /// An `order_completed` whose data is a text: `unreadable` at once.
    NotJson,
    /// A `stock_reserved` of an unknown version: `unreadable` at once.
    UnknownType,
    /// A `product_changed` with a price of 0, which payment's database refuses: `delivery-limit`.
    AlwaysFails,
}

impl Poison {
    pub const ALL: [Self; 3] = [Self::NotJson, Self::UnknownType, Self::AlwaysFails];

    /// Streams have one partition in a stack of chaos.
    #[must_use]
    pub fn stream(self) -> &'static str {
        match self {
            Self::NotJson => OrderCompleted::STREAM,
            Self::UnknownType => StockReserved::STREAM,
            Self::AlwaysFails => ProductChanged::STREAM,
        }
    }

    #[must_use]
    pub fn victim(self) -> Kind {
        owner_of_stream(self.stream()).unwrap_or(Kind::Payment)
    }

    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotJson | Self::UnknownType => "unreadable",
            Self::AlwaysFails => "delivery-limit",
        }
    }

    fn envelope(self) -> Envelope {
        let sku = format!("POISON-{}", Uuid::now_v7());
        let price = MoneyData { amount: 0, currency: "EUR".to_owned() };
        let event =
            ProductChanged { sku: sku.clone(), name: "Poison".to_owned(), price, version: 1, deleted: false };
        let envelope = Envelope::new(&event, "shopctl-chaos", sku, TraceContext::root());
        match self {
            Self::NotJson => Envelope {
                kind: OrderCompleted::TYPE.to_owned(),
                data: "\"{not json\"".to_owned(),
                ..envelope
            },
            Self::UnknownType => Envelope { kind: "shop.stock.reserved.v99".to_owned(), ..envelope },
            Self::AlwaysFails => envelope,
        }
    }
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotJson => "not-json",
            Self::UnknownType => "unknown-type",
            Self::AlwaysFails => "always-fails",
        })
    }
}

/// Returns the event id. A retry has the same id, which makes one dead letter at most.
///
/// After 30 s of failures the event is possibly in the stream.
pub async fn send_poison(redis_url: &str, kind: Poison, log: &ClientLog) -> Result<Uuid, RequestError> {
    let redis = Client::open(redis_url).map_err(|error| RequestError::RedisUrl(error.to_string()))?;
    let envelope = kind.envelope();
    let record = Record::Poison {
        at: Timestamp::now(),
        stream: kind.stream().to_owned(),
        event_id: envelope.id.to_string(),
    };
    log.write(&record).await.map_err(RequestError::Log)?;
    let deadline = Instant::now() + SENT_WITHIN;
    loop {
        match append(&redis, kind.stream(), &envelope).await {
            Ok(()) => return Ok(envelope.id),
            Err(_) if Instant::now() < deadline => sleep(LOOK_AGAIN).await,
            Err(source) => return Err(RequestError::NotAppended { event: envelope.id, source }),
        }
    }
}

async fn append(redis: &Client, stream: &str, envelope: &Envelope) -> Result<(), RedisError> {
    let limits = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN));
    let mut connection = redis.get_multiplexed_async_connection_with_config(&limits).await?;
    let mut command = redis::cmd("XADD");
    command.arg(stream).arg("*").arg(FIELD).arg(envelope.to_json());
    command.exec_async(&mut connection).await
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redrive {
    pub first: String,
    /// The dead letter after the redrive.
    pub again: String,
    /// A second redrive of the first dead letter got 404.
    pub works_once: bool,
}

/// A second redrive must get 404. `api` needs the token of an ADMIN.
pub async fn redrive_once(
    api: &Api,
    kind: Poison,
    event: Uuid,
    within: Duration,
) -> Result<Redrive, RequestError> {
    let first = dead_letter(api, kind, event, None, within).await?;
    api.redrive(kind.victim(), &first).await?;
    let works_once = match api.redrive(kind.victim(), &first).await {
        Err(ApiError::Refused(problem)) if problem.status == 404 => true,
        Err(error) => return Err(error.into()),
        Ok(_) => false,
    };
    let again = dead_letter(api, kind, event, Some(&first), within).await?;
    Ok(Redrive { first, again, works_once })
}

/// Excludes `other_than`.
pub async fn dead_letter(
    api: &Api,
    kind: Poison,
    event: Uuid,
    other_than: Option<&str>,
    within: Duration,
) -> Result<String, RequestError> {
    let deadline = Instant::now() + within;
    let wanted = |letter: &DeadLetter| {
        letter.event["id"] == event.to_string() && Some(letter.id.as_str()) != other_than
    };
    loop {
        let letters = api.dead_letters(kind.victim(), Some(kind.stream()), LETTERS).await?;
        match letters.into_iter().find(wanted) {
            Some(letter) => return Ok(letter.id),
            None if Instant::now() < deadline => sleep(LOOK_AGAIN).await,
            None => return Err(RequestError::NoDeadLetter { stream: kind.stream(), event, within }),
        }
    }
}
