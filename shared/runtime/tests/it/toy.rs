use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use actix_rt::Arbiter;
use events::TraceContext;
use events::{Envelope, Event, Route};
use runtime::db::{Database, DbError};
use runtime::outbox::{RelayHandle, RelayOptions};
use runtime::shutdown::Shutdown;
use runtime::stream::StreamSettings;
use runtime::stream::{
    Broker, ConsumerSet, DeadLetter, DeadLetters, EventHandler, Outcome, Received, StreamOverview, overview,
};
use runtime::supervisor::{Roster, SupervisorHandle};
use serde::{Deserialize, Serialize};
use testing::{TestDatabase, TestRedis, database_settings, eventually, stream_settings};

pub const STREAM: &str = "deposited";
pub const GROUP: &str = "tellers";
pub const SOON: Duration = Duration::from_secs(15);

const TABLES: &str = include_str!("../../examples/bank/tables.sql");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposited {
    pub account: String,
    pub amount: i32,
}

impl Event for Deposited {
    const TYPE: &'static str = "test.deposited.v1";
    const STREAM: &'static str = STREAM;

    fn subject(&self) -> String {
        self.account.clone()
    }
}

pub fn deposited(account: &str, amount: i32) -> Envelope {
    let event = Deposited { account: account.to_owned(), amount };
    Envelope::new(&event, "bank", account.to_owned(), TraceContext::root())
}

/// The script outlives the handlers.
#[derive(Debug, Default)]
pub struct Script {
    /// After the commit and before the outcome.
    pub panics: usize,
    /// Batches whose environment is down.
    pub transients: usize,
    /// One error for each attempt; the last one stays.
    pub failing: HashMap<String, VecDeque<&'static str>>,
    pub poison: Vec<String>,
    pub out_of_reach: Vec<String>,
    pub pause: Duration,
    /// Accounts whose batches wait until removed here.
    pub waiting: Vec<String>,
    /// Account and delivery count.
    pub seen: Vec<(String, u32)>,
}

#[derive(Clone)]
pub struct Teller {
    pub database: Database,
    pub script: Arc<Mutex<Script>>,
}

impl EventHandler for Teller {
    type Event = Deposited;

    async fn handle(&self, batch: &[Received<Deposited>]) -> Vec<Outcome> {
        let pause = self.script().pause;
        tokio::time::sleep(pause).await;
        while batch.iter().any(|received| self.script().waiting.contains(&received.event.account)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut outcomes = Vec::new();
        for received in batch {
            self.script().seen.push((received.event.account.clone(), received.deliveries));
        }
        let down = self.take(|script| &mut script.transients);
        for received in batch {
            outcomes.push(if down {
                Outcome::Transient("no database".to_owned())
            } else {
                self.process(received).await
            });
        }
        assert!(!self.take(|script| &mut script.panics), "the teller fainted");
        outcomes
    }
}

impl Teller {
    async fn process(&self, received: &Received<Deposited>) -> Outcome {
        let account = &received.event.account;
        if self.script().poison.contains(account) {
            return Outcome::Poison("no such account".to_owned());
        }
        if self.script().out_of_reach.contains(account) {
            return Outcome::Transient("out of reach".to_owned());
        }
        if let Some(error) = self.script().next_failure(account) {
            return Outcome::Failed(error.to_owned());
        }
        match self.deposit(received).await {
            Ok(true) => Outcome::Done,
            Ok(false) => Outcome::Duplicate,
            Err(error) => Outcome::Transient(error.to_string()),
        }
    }

    /// Returns whether this was the first time.
    async fn deposit(&self, received: &Received<Deposited>) -> Result<bool, DbError> {
        let sql = "WITH fresh AS (
                       INSERT INTO inbox (consumer, event_id) VALUES ($1, $2)
                       ON CONFLICT DO NOTHING RETURNING event_id
                   )
                   INSERT INTO deposits SELECT event_id, $3, $4 FROM fresh";
        let connection = self.database.connection().await?;
        let Deposited { account, amount } = &received.event;
        Ok(connection.execute(sql, &[&GROUP, &received.envelope.id, account, amount]).await? == 1)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no panic inside")
    }

    fn take(&self, counter: impl Fn(&mut Script) -> &mut usize) -> bool {
        let mut script = self.script();
        let left = counter(&mut script);
        let is_left = *left > 0;
        *left = left.saturating_sub(1);
        is_left
    }
}

impl Script {
    fn next_failure(&mut self, account: &str) -> Option<&'static str> {
        let errors = self.failing.get_mut(account)?;
        if errors.len() > 1 { errors.pop_front() } else { errors.front().copied() }
    }
}

pub const ROUTE: Route =
    Route { stream: STREAM, publisher: "bank", consumer: "bank", group: GROUP, answered_on: &[] };

pub struct Bank {
    pub redis: TestRedis,
    pub settings: StreamSettings,
    pub broker: Broker,
    pub teller: Teller,
    // Dropped after every connection.
    _database: TestDatabase,
}

impl Bank {
    pub async fn open() -> Self {
        let (redis, database) = futures_util::join!(TestRedis::start(), TestDatabase::create());
        let pool = Database::open("test", &database_settings(database.url())).expect("a pool");
        pool.connection().await.expect("a connection").batch_execute(TABLES).await.expect("tables");
        let settings = stream_settings(&redis.url());
        let teller = Teller { database: pool, script: Arc::default() };
        Self { broker: Broker::new(&settings), settings, redis, teller, _database: database }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.teller.script()
    }

    pub fn consumers(&self) -> ConsumerSet {
        let teller = self.teller.clone();
        ConsumerSet::new(&supervisor(), GROUP, &self.settings, &self.broker).with(move || teller.clone())
    }

    pub fn consumers_called(&self, name: &str) -> ConsumerSet {
        let teller = self.teller.clone();
        let settings = StreamSettings { consumer_name: name.to_owned(), ..self.settings.clone() };
        ConsumerSet::new(&supervisor(), GROUP, &settings, &self.broker).with(move || teller.clone())
    }

    pub fn relay(&self, change: impl FnOnce(&mut RelayOptions)) -> RelayHandle {
        let database = self.teller.database.clone();
        let broker = self.broker.clone();
        let settings = self.settings.clone();
        let mut options =
            RelayOptions { service: "bank", database, broker, settings, routes: vec![ROUTE], group: GROUP };
        change(&mut options);
        RelayHandle::start(&supervisor(), &options)
    }

    pub async fn publish(&self, events: &[Envelope]) {
        let events: Vec<(&str, &Envelope)> = events.iter().map(|envelope| (STREAM, envelope)).collect();
        for published in self.broker.publish(&events).await.expect("Redis answers") {
            published.expect("published");
        }
    }

    pub async fn number(&self, sql: &str) -> i64 {
        let connection = self.teller.database.connection().await.expect("a connection");
        connection.query_one(sql, &[]).await.expect("a number").get(0).expect("a number")
    }

    /// Waits for `count` deposits, and the acknowledgement of every entry.
    pub async fn all_processed(&self, consumers: &ConsumerSet, count: i64) -> StreamOverview {
        let look = async || {
            let deposits = self.number("SELECT count(*) FROM deposits").await;
            let overview = overview(&self.broker, &consumers.specs()[0]).await.expect("Redis answers");
            if deposits == count && overview.pending == 0 && overview.unread == 0 {
                Ok(overview)
            } else {
                Err((deposits, overview))
            }
        };
        eventually("every deposit is made and acknowledged", SOON, look).await
    }

    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(self.broker.clone())
    }

    pub async fn dead_lettered(&self, count: usize) -> Vec<DeadLetter> {
        let look = async || {
            let letters = self.dead_letters().list(STREAM, None, 100).await.expect("Redis answers");
            if letters.len() == count { Ok(letters) } else { Err(letters) }
        };
        eventually("the dead letters are there", SOON, look).await
    }

    pub async fn assert_no_doubles(&self) {
        assert_eq!(
            self.number("SELECT count(*) - count(DISTINCT event_id) FROM deposits").await,
            0,
            "doubled deposits"
        );
    }
}

fn supervisor() -> SupervisorHandle {
    SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default())
}
