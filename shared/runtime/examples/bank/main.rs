//! A bank: the smallest supervised consumer with an inbox and an outbox.
//!
//! ```text
//!                        ┌─ one transaction: inbox + deposit + outbox ─> PostgreSQL
//!   deposited ──> Teller ┤                                    │
//!   (stream)        ▲    └─ outcomes ─> XACK                  └─ relay ─> credited (stream)
//!                   └─ supervisor: a successor after a panic
//! ```
//!
//! The first teller panics after its commit, before acknowledgement and publication. The successor recognises
//! the batch by the inbox, and the relay publishes from the outbox.
//!
//! The program starts its own PostgreSQL and Redis:
//!
//! ```sh
//! cargo run -p runtime --example bank
//! ```

#![allow(clippy::print_stdout, reason = "it shows what happens")]

mod contract;

use std::{
    panic::PanicHookInfo,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_rt::Arbiter;
use contract::{Credited, Deposited, GROUP, ROUTE, SERVICE, credited, deposited};
use events::Event;
use runtime::{
    db::{Database, DbError},
    outbox::{OutboxEvent, OutboxRows, RelayHandle, RelayOptions},
    shutdown::Shutdown,
    stream::{Broker, ConsumerSet, EventHandler, Outcome, Received, overview},
    supervisor::{Roster, SupervisorHandle},
};
use testing::{TestDatabase, TestRedis, database_settings, eventually, stream_settings};

const LIMIT: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Teller {
    database: Database,
    relay: RelayHandle,
    has_panicked: Arc<AtomicBool>,
}

impl EventHandler for Teller {
    type Event = Deposited;

    async fn handle(&self, batch: &[Received<Deposited>]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut committed = Vec::new();
        for received in batch {
            let credited = credited(received);
            outcomes.push(match self.deposit(received, &credited).await {
                Ok(true) => {
                    committed.push(credited);
                    Outcome::Done
                }
                Ok(false) => Outcome::Duplicate,
                Err(error) if error.is_transient() => Outcome::Transient(error.to_string()),
                Err(error) => Outcome::Failed(error.to_string()),
            });
        }
        println!("teller: {} of {} events are new", committed.len(), batch.len());
        assert!(self.has_panicked.swap(true, Ordering::Relaxed), "panics after its commit");
        self.relay.publish(committed);
        outcomes
    }
}

impl Teller {
    /// False if the inbox knows the event. `due_at` keeps the relay's sweep away for a second.
    async fn deposit(&self, received: &Received<Deposited>, credited: &OutboxEvent) -> Result<bool, DbError> {
        let sql = format!(
            "WITH fresh AS (
                INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING event_id
            ), effect AS (
                INSERT INTO deposits (event_id, account, amount) SELECT event_id, $3, $4 FROM fresh
            ) {}",
            OutboxRows::insert(5, "WHERE EXISTS (SELECT FROM fresh)")
        );
        let event = &received.envelope.id;
        let Deposited { account, amount } = &received.event;
        let rows = OutboxRows::from_iter([credited]);
        let [ids, streams, envelopes, repeats, due_in] = rows.parameters(&1.0);
        let connection = self.database.connection().await?;
        let inserted = connection
            .execute(&sql, &[&GROUP, event, account, amount, ids, streams, envelopes, repeats, due_in])
            .await?;
        Ok(inserted == 1)
    }
}

pub struct Summary {
    pub deposits: i64,
    pub doubled: i64,
    pub panics: u32,
    pub published: i64,
}

pub async fn run() -> Summary {
    let redis = TestRedis::start().await;
    let private = TestDatabase::create().await;
    let database = Database::open(SERVICE, &database_settings(private.url())).expect("a pool");
    let connection = database.connection().await.expect("a connection");
    connection.batch_execute(include_str!("tables.sql")).await.expect("tables");
    let settings = stream_settings(&redis.url());
    let broker = Broker::new(&settings);
    // Published before the consumer starts, as one batch.
    for (account, amount) in [("ada", 300), ("bob", 50), ("ada", 20)] {
        let event = deposited(account, amount);
        broker.publish(&[(Deposited::STREAM, &event)]).await.expect("Redis answers");
    }

    let roster = Roster::default();
    let supervisor = SupervisorHandle::start(&Arbiter::current(), &roster, Shutdown::default());
    let options = RelayOptions {
        service: SERVICE,
        database: database.clone(),
        broker: broker.clone(),
        settings: settings.clone(),
        routes: vec![ROUTE],
        group: GROUP,
    };
    let relay = RelayHandle::start(&supervisor, &options);
    let teller = Teller { database: database.clone(), relay: relay.clone(), has_panicked: Arc::default() };
    let consumers = ConsumerSet::new(&supervisor, GROUP, &settings, &broker).with(move || teller.clone());

    let number = async |sql: &str| -> i64 {
        connection.query_one(sql, &[]).await.expect("a row").get(0).expect("a number")
    };
    eventually("every deposit is made, acknowledged and published", LIMIT, async || {
        let deposits = number("SELECT count(*) FROM deposits").await;
        let waiting = number("SELECT count(*) FROM outbox").await;
        let stream = overview(&broker, &consumers.specs()[0]).await.expect("Redis answers");
        let found = (deposits, waiting, stream.unread + stream.pending);
        if found == (3, 0, 0) { Ok(()) } else { Err(found) }
    })
    .await;
    consumers.drain(LIMIT).await;
    relay.drain(LIMIT).await;
    Summary {
        deposits: number("SELECT count(*) FROM deposits").await,
        doubled: number("SELECT count(*) - count(DISTINCT event_id) FROM deposits").await,
        panics: roster.children().iter().map(|child| child.restarts()).sum(),
        published: redis.command(&["XLEN", Credited::STREAM]).await,
    }
}

fn main() {
    let print =
        |panic: &PanicHookInfo<'_>| println!("teller: {}", panic.payload_as_str().unwrap_or_default());
    std::panic::set_hook(Box::new(print));
    let Summary { deposits, doubled, panics, published } = actix_rt::System::new().block_on(run());
    println!("deposits made: {deposits}, of them twice: {doubled}");
    println!("panics of the consumer: {panics}");
    println!("events published: {published}");
}
