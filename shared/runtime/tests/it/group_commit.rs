use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_rt::Arbiter;
use futures_util::future::join_all;
use runtime::db::DatabaseSettings;
use runtime::db::{Commits, Connection, Database, DbError, Failure, Fault, Write};
use runtime::shutdown::Shutdown;
use runtime::supervisor::{Roster, SupervisorHandle};
use testing::{TestDatabase, database_settings};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::toy::SOON;

#[derive(Clone)]
struct Deposit {
    id: Uuid,
    amount: i32,
    awaited: bool,
}

fn deposit(amount: i32) -> Deposit {
    Deposit { id: Uuid::now_v7(), amount, awaited: false }
}

/// Keeps transactions open for `seconds`; each beginning adds a permit to `entered`.
struct Deposits<const DEPENDENT: bool, const MAX_WAIT_INTERVALS: u32 = 0> {
    entered: Arc<Semaphore>,
    seconds: f64,
}

impl<const DEPENDENT: bool, const MAX_WAIT_INTERVALS: u32> Write for Deposits<DEPENDENT, MAX_WAIT_INTERVALS> {
    type Item = Deposit;
    type Output = Uuid;

    const NAME: &'static str = "deposits";
    const DEPENDENT: bool = DEPENDENT;
    const MAX_WAIT_INTERVALS: u32 = MAX_WAIT_INTERVALS;

    fn is_awaited(deposit: &Deposit) -> bool {
        deposit.awaited
    }

    async fn commit(&self, connection: &Connection, items: &[Deposit]) -> Result<Vec<Uuid>, DbError> {
        self.entered.add_permits(1);
        let ids: Vec<Uuid> = items.iter().map(|item| item.id).collect();
        let amounts: Vec<i32> = items.iter().map(|item| item.amount).collect();
        let insert = "WITH pause AS MATERIALIZED (SELECT pg_sleep($3))
            INSERT INTO deposits SELECT d.id, d.amount, txid_current()
            FROM pause, unnest($1::uuid[], $2::int[]) d(id, amount)
            ON CONFLICT (id) DO NOTHING";
        connection.execute(insert, &[&ids, &amounts, &self.seconds]).await?;
        Ok(ids)
    }
}

struct Bank {
    database: TestDatabase,
    settings: DatabaseSettings,
    entered: Arc<Semaphore>,
}

impl Bank {
    async fn open() -> Self {
        let database = TestDatabase::create().await;
        let settings = database_settings(database.url());
        let bank = Self { database, settings, entered: Arc::new(Semaphore::new(0)) };
        let table = "CREATE TABLE deposits (
            id uuid PRIMARY KEY, amount int CONSTRAINT positive CHECK (amount > 0), tx bigint)";
        bank.connection().await.batch_execute(table).await.expect("a table");
        bank
    }

    fn writer<const DEPENDENT: bool>(&self, seconds: f64) -> Commits<Deposits<DEPENDENT>> {
        self.writer_of(seconds)
    }

    fn writer_of<const DEPENDENT: bool, const MAX_WAIT_INTERVALS: u32>(
        &self,
        seconds: f64,
    ) -> Commits<Deposits<DEPENDENT, MAX_WAIT_INTERVALS>> {
        let supervisor =
            SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
        let database = Database::open("test", &self.settings).expect("a pool");
        let entered = Arc::clone(&self.entered);
        Commits::start(&supervisor, database, &self.settings, move || Deposits {
            entered: Arc::clone(&entered),
            seconds,
        })
    }

    async fn connection(&self) -> Connection {
        let settings = database_settings(self.database.url());
        Database::open("test", &settings).expect("a pool").connection().await.expect("a connection")
    }

    async fn number(&self, sql: &str) -> i64 {
        self.connection().await.query_one(sql, &[]).await.expect("a number").get(0).expect("a number")
    }
}

/// The supervisor starts the actor a moment after its handle exists.
async fn up<const DEPENDENT: bool, const MAX_WAIT_INTERVALS: u32>(
    commits: &Commits<Deposits<DEPENDENT, MAX_WAIT_INTERVALS>>,
) {
    let first = async || commits.commit(deposit(1)).await;
    testing::eventually("the writer is up", Duration::from_secs(10), first).await;
}

#[actix_rt::test]
async fn many_writers_at_once_make_few_transactions() {
    let bank = Bank::open().await;
    let commits = bank.writer::<false>(0.0);
    up(&commits).await;
    let outcomes = join_all((0..1000).map(|_| commits.commit(deposit(1)))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(bank.number("SELECT count(*) FROM deposits").await, 1001);
    let transactions = bank.number("SELECT count(DISTINCT tx) FROM deposits").await;
    assert!(transactions <= 20, "{transactions} transactions for 1000 deposits");
}

#[actix_rt::test]
async fn items_that_come_together_are_committed_whatever_their_number_and_answered_in_order() {
    let bank = Bank::open().await;
    let commits = bank.writer::<false>(0.0);
    up(&commits).await;
    for number in [0, 1, bank.settings.commit_batch, bank.settings.commit_batch + 1] {
        let items: Vec<Deposit> = (0..number).map(|_| deposit(1)).collect();
        let expected: Vec<Result<Uuid, Failure>> = items.iter().map(|item| Ok(item.id)).collect();
        assert_eq!(join_all(commits.commit_all(items)).await, expected, "{number} items");
    }
}

#[actix_rt::test]
async fn a_lone_item_is_not_kept_waiting_for_company() {
    let bank = Bank::open().await;
    let commits = bank.writer::<false>(0.0);
    up(&commits).await;
    for _ in 0..10 {
        commits.commit(deposit(1)).await.expect("committed");
    }
    assert_eq!(bank.number("SELECT count(DISTINCT tx) FROM deposits").await, 11);
}

#[actix_rt::test]
async fn a_refused_item_does_not_take_the_others_along() {
    let bank = Bank::open().await;
    let commits = bank.writer::<false>(0.0);
    up(&commits).await;
    let outcomes = join_all((0..100).map(|n| commits.commit(deposit(if n == 37 { -1 } else { 1 })))).await;
    let refused: Vec<usize> = (0..100).filter(|n| outcomes[*n].is_err()).collect();
    assert_eq!(refused, [37]);
    let positive = Fault::Constraint("positive".to_owned());
    assert!(
        matches!(&outcomes[37], Err(Failure::Refused(error)) if error.fault == positive),
        "{:?}",
        outcomes[37]
    );
    assert_eq!(bank.number("SELECT count(*) FROM deposits").await, 100);
}

#[actix_rt::test]
async fn a_lost_connection_neither_loses_nor_doubles_an_item() {
    let bank = Bank::open().await;
    let commits = bank.writer::<false>(0.01);
    up(&commits).await;
    let killed = Cell::new(0_i64);
    let write = async {
        let mut written = 0;
        // Portions keep a commit in flight whenever a session is terminated.
        while killed.get() < 8 {
            let outcomes = join_all((0..40).map(|_| commits.commit(deposit(1)))).await;
            assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
            written += 40;
        }
        written
    };
    let axe = bank.connection().await;
    let kill = async {
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'";
        while killed.get() < 8 {
            let fell: i64 = axe.query_one(sql, &[]).await.expect("a number").get(0).expect("a number");
            killed.set(killed.get() + fell);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    let both = async { futures_util::join!(write, kill) };
    let (written, ()) =
        tokio::time::timeout(Duration::from_secs(60), both).await.expect("the axe fell eight times");
    assert_eq!(bank.number("SELECT count(*) FROM deposits").await, written + 1);
    assert_eq!(bank.number("SELECT sum(amount)::bigint FROM deposits").await, written + 1);
}

#[actix_rt::test]
async fn when_a_batch_fails_what_was_decided_on_top_of_it_fails_too() {
    let bank = Bank::open().await;
    let commits = bank.writer::<true>(0.2);
    up(&commits).await;
    bank.entered.forget_permits(usize::MAX);
    let first = commits.commit(deposit(-1));
    let later = async {
        bank.entered.acquire().await.expect("open").forget(); // the first is in flight
        join_all((0..5).map(|_| commits.commit(deposit(1)))).await
    };
    let (first, later) = futures_util::join!(first, later);
    assert!(matches!(first, Err(Failure::Refused(_))), "{first:?}");
    assert!(later.iter().all(|outcome| matches!(outcome, Err(Failure::Refused(_)))), "{later:?}");
    commits.commit(deposit(1)).await.expect("a decision of its own");
    assert_eq!(bank.number("SELECT count(*) FROM deposits").await, 2);
}

#[actix_rt::test]
async fn a_drained_writer_has_committed_what_was_queued() {
    let bank = Bank::open().await;
    let commits = bank.writer::<false>(0.05);
    up(&commits).await;
    let queued = join_all((0..50).map(|_| commits.commit(deposit(1))));
    let (outcomes, in_time) = futures_util::join!(queued, async {
        tokio::task::yield_now().await;
        commits.drain(Duration::from_secs(10)).await
    });
    assert!(in_time && outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert!(matches!(commits.commit(deposit(1)).await, Err(Failure::Unavailable(_))));
}

#[actix_rt::test]
async fn without_a_database_the_writers_are_told_in_time() {
    let unreachable = DatabaseSettings {
        connect_timeout: Duration::from_millis(200),
        ..database_settings("postgres://postgres@127.0.0.1:1/nowhere")
    };
    let supervisor = SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
    let database = Database::open("test", &unreachable).expect("a pool");
    let commits: Commits<Deposits<false>> = Commits::start(&supervisor, database, &unreachable, || {
        Deposits { entered: Arc::new(Semaphore::new(0)), seconds: 0.0 }
    });
    let outcome = tokio::time::timeout(SOON, commits.commit(deposit(1))).await.expect("in time");
    assert!(matches!(outcome, Err(Failure::Unavailable(_))), "{outcome:?}");
}

#[actix_rt::test]
async fn a_writer_in_no_hurry_does_not_wait_after_a_commit_of_few() {
    let mut bank = Bank::open().await;
    bank.settings.commit_interval = Duration::from_secs(3600);
    let writer = bank.writer_of::<false, 1>(0.0);
    up(&writer).await;
    let next = tokio::time::timeout(Duration::from_secs(60), writer.commit(deposit(1))).await;
    assert!(matches!(next, Ok(Ok(_))), "{next:?}");
}

#[actix_rt::test]
async fn a_writer_in_no_hurry_waits_for_more_after_a_commit_of_many() {
    let mut bank = Bank::open().await;
    bank.settings.commit_interval = Duration::from_secs(3600);
    let writer = bank.writer_of::<false, 1>(0.0);
    let second = deposit(1);
    let third = deposit(1);
    up(&writer).await;
    let many = (0..5).map(|_| deposit(1)).collect();
    assert!(join_all(writer.commit_all(many)).await.iter().all(Result::is_ok));
    bank.entered.forget_permits(usize::MAX);

    let early = writer.commit(second.clone());
    let late = async {
        assert!(
            tokio::time::timeout(Duration::from_millis(200), bank.entered.acquire()).await.is_err(),
            "it did not wait"
        );
        // Somebody waits for it, which ends the wait.
        writer.commit(Deposit { awaited: true, ..third.clone() }).await
    };
    let (early, late) = futures_util::join!(early, late);

    assert_eq!((early, late), (Ok(second.id), Ok(third.id)));
    assert_eq!(bank.number("SELECT count(DISTINCT tx) FROM deposits").await, 3);
}

#[actix_rt::test]
async fn an_item_that_a_customer_waits_for_is_committed_at_once_with_all_that_wait() {
    let mut bank = Bank::open().await;
    bank.settings.commit_interval = Duration::from_secs(3600);
    let commits = bank.writer_of::<false, 1>(0.0);
    up(&commits).await;
    join_all((0..100).map(|_| commits.commit(deposit(1)))).await;
    let patient = commits.commit(deposit(1));
    let awaited = commits.commit(Deposit { awaited: true, ..deposit(1) });
    let both = tokio::time::timeout(Duration::from_secs(60), join_all([patient, awaited])).await;
    assert!(both.expect("no wait of an hour").iter().all(Result::is_ok));
}

#[actix_rt::test]
async fn a_patient_writer_commits_as_soon_as_enough_items_wait() {
    let mut bank = Bank::open().await;
    bank.settings.commit_interval = Duration::from_secs(3600);
    let writer = bank.writer_of::<false, 1>(0.0);
    up(&writer).await;
    let many = || (0..256).map(|_| deposit(1)).collect();
    assert!(join_all(writer.commit_all(many())).await.iter().all(Result::is_ok));
    let next = tokio::time::timeout(Duration::from_secs(60), join_all(writer.commit_all(many()))).await;
    assert!(next.expect("no wait of an hour").iter().all(Result::is_ok));
}

#[actix_rt::test]
async fn a_patient_writer_waits_longer_the_more_it_has_committed() {
    let mut bank = Bank::open().await;
    bank.settings.commit_interval = Duration::from_millis(500);
    let writer = bank.writer_of::<false, 2>(0.0);
    up(&writer).await;
    let began = Instant::now();
    let many = (0..64).map(|_| deposit(1)).collect();
    assert!(join_all(writer.commit_all(many)).await.iter().all(Result::is_ok));
    writer.commit(deposit(1)).await.expect("a commit");
    assert!(began.elapsed() >= 2 * bank.settings.commit_interval, "it waited for one interval only");
}

#[actix_rt::test]
async fn an_item_whose_row_is_locked_does_not_hold_up_the_others() {
    let mut bank = Bank::open().await;
    bank.settings.commit_deadline = Duration::from_secs(10);
    let commits = bank.writer::<false>(0.0);
    up(&commits).await;
    let items: Vec<Deposit> = (0..512).map(|_| deposit(1)).collect();
    // An uncommitted insert of the same row makes this batch wait.
    let patient = DatabaseSettings { statement_timeout: Duration::from_secs(60), ..bank.settings.clone() };
    let operator =
        Database::open("operator", &patient).expect("a pool").connection().await.expect("a connection");
    operator
        .batch_execute(&format!("BEGIN; INSERT INTO deposits VALUES ('{}', 1)", items[100].id))
        .await
        .expect("a lock");

    let began = Instant::now();
    let outcomes = join_all(commits.commit_all(items.clone())).await;

    assert!(began.elapsed() < 3 * SOON, "{:?}", began.elapsed());
    let held_up: Vec<usize> = (0..items.len()).filter(|n| outcomes[*n].is_err()).collect();
    assert_eq!(held_up, [100]);
    assert!(
        matches!(outcomes[100], Err(Failure::Unavailable(_))),
        "it is no fault of the item: {:?}",
        outcomes[100]
    );
    operator.batch_execute("ROLLBACK").await.expect("the lock is gone");
    assert_eq!(commits.commit(items[100].clone()).await, Ok(items[100].id));
}
