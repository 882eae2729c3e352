use std::{
    cell::Cell,
    net::TcpListener,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_rt::Arbiter;
use refinery::{Migration, Runner};
use runtime::{
    db::{self, Commits, Connection, Database, DatabaseSettings, DbError, Fault, MigrationError, Write},
    shutdown::{Deadline, Shutdown},
    supervisor::{Roster, SupervisorHandle},
};
use testing::{TestDatabase, database_settings, eventually, postgres, through_port};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const SOON: Duration = Duration::from_secs(10);

async fn pid(database: &Database) -> i32 {
    let connection = database.connection().await.expect("a connection");
    connection.query_one("SELECT pg_backend_pid()", &[]).await.expect("a number").get(0).expect("a number")
}

async fn run(database: &Database, sql: &str) -> Result<(), DbError> {
    database.connection().await?.batch_execute(sql).await
}

fn open(settings: &DatabaseSettings) -> Database {
    Database::open("test", settings).expect("a pool")
}

/// Forwards all bytes until existing connections are silenced; new ones still work.
struct Proxy {
    port: u16,
    silent_below: Rc<Cell<usize>>,
    accepted: Rc<Cell<usize>>,
}

impl Proxy {
    async fn to(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Self {
            port: listener.local_addr().expect("an address").port(),
            silent_below: Rc::default(),
            accepted: Rc::default(),
        };
        let silent_below = Rc::clone(&proxy.silent_below);
        let accepted = Rc::clone(&proxy.accepted);
        actix_rt::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let number = accepted.replace(accepted.get() + 1);
                let far = TcpStream::connect(("127.0.0.1", port)).await.expect("PostgreSQL");
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                for (mut from, mut to) in [(near_in, far_out), (far_in, near_out)] {
                    let silent_below = Rc::clone(&silent_below);
                    actix_rt::spawn(async move {
                        let mut bytes = vec![0; 16384];
                        while let Ok(length @ 1..) = from.read(&mut bytes).await {
                            if number >= silent_below.get() && to.write_all(&bytes[..length]).await.is_err() {
                                break;
                            }
                        }
                    });
                }
            }
        });
        proxy
    }

    fn silence_existing(&self) {
        self.silent_below.set(self.accepted.get());
    }
}

fn silent_server() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

fn name(test: &TestDatabase) -> &str {
    test.url().rsplit('/').next().expect("a name")
}

#[actix_rt::test]
async fn every_code_of_the_server_has_one_meaning() {
    let test = TestDatabase::create().await;
    let database = open(&database_settings(test.url()));
    let meanings = [
        (Fault::Contention, ["40001", "40P01", "55P03", "57014"].as_slice()),
        (Fault::Lost, &["08006", "25006", "25P02", "26000", "40003", "57P01", "57P03", "58030"]),
        (
            Fault::Unfit,
            &[
                "0A000", "28P01", "3D000", "3F000", "42501", "42P01", "42703", "53100", "53300", "F0001",
                "XX000", "ZZ999",
            ],
        ),
        (Fault::Refused, &["21000", "22003", "22021", "54000", "P0001"]),
    ];
    for (fault, codes) in meanings {
        for code in codes {
            let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$");
            let error = run(&database, &raise).await.expect_err("it raises");
            assert_eq!(error.fault, fault, "{code}");
            assert_eq!(error.is_transient(), fault != Fault::Refused, "{code}");
        }
    }
}

#[actix_rt::test]
async fn a_session_that_became_read_only_is_thrown_away() {
    let test = TestDatabase::create().await;
    let database = open(&database_settings(test.url()));
    let reads = database.requests("reads").expect("a pool");
    run(&database, "CREATE TABLE notes (text text)").await.expect("a table");
    let writer = pid(&database).await;
    let reader = pid(&reads).await;
    run(&database, "SET default_transaction_read_only = on").await.expect("read-only from now on");

    let error = run(&database, "INSERT INTO notes VALUES ('a')").await.expect_err("it cannot");
    assert_eq!(error.fault, Fault::Lost);

    run(&database, "INSERT INTO notes VALUES ('b')").await.expect("a fresh session can");
    assert_ne!(pid(&database).await, writer);
    assert_ne!(
        pid(&reads).await,
        reader,
        "the sessions of other pools are as old, and may be at the same server"
    );
}

/// Waits until the check fails for this reason.
async fn complains(database: &Database, reason: &str) {
    let look = async || match database.check().await {
        Err(complaint) if complaint.contains(reason) => Ok(()),
        other => Err(other),
    };
    eventually("it cannot do its work", SOON, look).await;
}

struct Notes;

impl Write for Notes {
    type Item = i32;
    type Output = String;

    const NAME: &'static str = "notes";

    async fn commit(&self, connection: &Connection, items: &[i32]) -> Result<Vec<String>, DbError> {
        let insert = "INSERT INTO notes (number) SELECT unnest($1::int[]) RETURNING label";
        let statement = connection.prepare_cached(insert).await?;
        let rows = connection.query(&statement, &[&items]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}

fn notes(database: &Database, settings: &DatabaseSettings) -> Commits<Notes> {
    let supervisor = SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
    Commits::start(&supervisor, database.clone(), settings, || Notes)
}

/// Writes note 1 first.
async fn writing_notes(database: &Database, settings: &DatabaseSettings) -> Commits<Notes> {
    run(database, "CREATE TABLE notes (number int, label text DEFAULT 'a note')").await.expect("a table");
    let writer = notes(database, settings);
    eventually("the writer is up", SOON, async || writer.commit(1).await).await;
    writer
}

#[actix_rt::test]
async fn a_statement_whose_plan_went_stale_is_run_again_on_a_fresh_connection() {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    let database = open(&settings);
    let writer = writing_notes(&database, &settings).await;

    run(&database, "ALTER TABLE notes ALTER label TYPE varchar(100)").await.expect("another type");

    assert_eq!(writer.commit(2).await, Ok("a note".to_owned()));
}

#[actix_rt::test]
async fn connections_that_went_silent_are_replaced_within_the_limit() {
    let test = TestDatabase::create().await;
    let proxy = Proxy::to(postgres().await.port()).await;
    let url = through_port(test.url(), proxy.port);
    let settings = DatabaseSettings { statement_timeout: Duration::from_secs(3), ..database_settings(&url) };
    let database = open(&settings);
    let reads = database.requests("reads").expect("a pool");
    _ = (pid(&database).await, pid(&reads).await);

    proxy.silence_existing();

    let began = Instant::now();
    let error = run(&database, "SELECT 1").await.expect_err("silence");
    assert_eq!(error.fault, Fault::Lost, "{error}");
    assert!(began.elapsed() < 3 * SOON, "{:?}", began.elapsed());
    // No error: another pool need not find out by itself.
    _ = (pid(&database).await, pid(&reads).await);
}

#[actix_rt::test]
async fn a_statement_that_was_given_up_takes_its_connection_along() {
    let test = TestDatabase::create().await;
    let database = open(&database_settings(test.url()));
    let before = pid(&database).await;
    let given_up =
        tokio::time::timeout(Duration::from_millis(20), run(&database, "SELECT pg_sleep(20)")).await;
    assert!(given_up.is_err(), "it takes longer");
    assert_ne!(pid(&database).await, before);
}

#[actix_rt::test]
async fn a_first_host_that_hangs_does_not_hide_the_second() {
    let test = TestDatabase::create().await;
    let (_server, hung) = silent_server();
    let url = test.url().replace('@', &format!("@127.0.0.1:{hung},"));
    let settings =
        DatabaseSettings { connect_timeout: Duration::from_millis(300), ..database_settings(&url) };

    let prepared = tokio::time::timeout(SOON, db::prepare(&settings, || program(&[FIRST]))).await;

    prepared.expect("in time").expect("prepared");
    let database = open(&settings);
    eventually("a session", SOON, async || database.connection().await.map(drop)).await;
}

const FIRST: (&str, &str) = ("V1__first", "CREATE TABLE first (id int)");
const SECOND: (&str, &str) = ("V2__second", "CREATE TABLE second (id int)");
const THIRD: (&str, &str) = ("V3__third", "CREATE TABLE third (id int)");

fn program(migrations: &[(&str, &str)]) -> Runner {
    let migrations: Vec<Migration> =
        migrations.iter().map(|(name, sql)| Migration::unapplied(name, sql).expect("a migration")).collect();
    Runner::new(&migrations)
}

#[actix_rt::test]
async fn an_old_program_goes_on_beside_a_newer_schema() {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    db::prepare(&settings, || program(&[FIRST, SECOND])).await.expect("the new program");
    db::prepare(&settings, || program(&[FIRST])).await.expect("the old one, which may migrate");
    let settings = DatabaseSettings { migrate_on_start: false, ..settings };
    db::prepare(&settings, || program(&[FIRST])).await.expect("the old one, which may not");
}

#[actix_rt::test]
async fn a_program_of_another_line_is_refused() {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    db::prepare(&settings, || program(&[FIRST, THIRD])).await.expect("one branch");
    let other = db::prepare(&settings, || program(&[FIRST, SECOND])).await;
    assert!(matches!(other, Err(MigrationError::Foreign { found: 3, missing: 2 })), "{other:?}");
    let divergent =
        db::prepare(&settings, || program(&[("V1__first", "CREATE TABLE first (id bigint)")])).await;
    assert!(matches!(divergent, Err(MigrationError::Migration(_))), "{divergent:?}");
}

#[actix_rt::test]
async fn a_schema_error_is_no_fault_of_the_item() {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    let database = open(&settings);
    eventually("all is well", SOON, async || database.check().await).await;
    let writer = notes(&database, &settings);
    let refused = async || match writer.commit(1).await {
        Err(db::Failure::Unavailable(why)) if why.contains("does not exist") => Ok(()),
        other => Err(other),
    };
    eventually("the item can be tried again", SOON, refused).await;
    complains(&database, "notes").await;

    run(&database, "CREATE TABLE notes (number int, label text DEFAULT 'a note')").await.expect("a table");

    eventually("an operator has mended it", SOON, async || database.check().await).await;
    assert_eq!(writer.commit(2).await, Ok("a note".to_owned()));
}

#[actix_rt::test]
async fn a_column_of_another_type_is_for_an_operator_to_mend_and_ends_no_actor() {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    let database = open(&settings);
    let writer = writing_notes(&database, &settings).await;
    let change = async |to: &str| {
        let change = format!("ALTER TABLE notes ALTER label DROP DEFAULT, ALTER label TYPE {to}");
        run(&database, &change).await.expect("another type");
    };

    change("int USING 7, ALTER label SET DEFAULT 7").await;

    let error = writer.commit(2).await.expect_err("it cannot be read");
    assert!(matches!(&error, db::Failure::Unavailable(why) if why.contains("int4")), "{error}");
    complains(&database, "lacks what this program needs").await;

    change("text USING 'a note', ALTER label SET DEFAULT 'a note'").await;

    assert_eq!(writer.commit(3).await, Ok("a note".to_owned()));
    eventually("it is ready again", SOON, async || database.check().await).await;
}

#[actix_rt::test]
async fn a_database_that_takes_no_writes_is_not_ready_until_it_does() {
    let test = TestDatabase::create().await;
    let database = open(&database_settings(test.url()));
    eventually("all is well", SOON, async || database.check().await).await;
    let admin = open(&database_settings(&postgres().await.url("postgres")));
    let writes = async |allowed: &str| {
        let set = format!("ALTER DATABASE \"{}\" SET default_transaction_read_only = {allowed}", name(&test));
        run(&admin, &set).await.expect("set");
    };
    run(&database, "SET default_transaction_read_only = on").await.expect("this session");
    writes("on").await;
    database.check().await.expect_err("this session is read-only");
    complains(&database, "does not allow writes").await;
    writes("off").await;
    eventually("it is well again", SOON, async || database.check().await).await;
}

#[actix_rt::test]
async fn an_instance_that_commits_nothing_for_seconds_is_not_ready_until_it_does() {
    let test = TestDatabase::create().await;
    let settings =
        DatabaseSettings { commit_deadline: Duration::from_millis(500), ..database_settings(test.url()) };
    let database = open(&settings);
    let writer = writing_notes(&database, &settings).await;
    let holder = database.connection().await.expect("a connection");
    let hold = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE notes";
    holder.batch_execute(hold).await.expect("a lock");

    let failing = Instant::now();
    writer.commit(2).await.expect_err("the table is locked");
    let soon = database.check().await;
    if failing.elapsed() < Duration::from_secs(2) {
        soon.expect("that may be over soon");
    }
    let said = async || match (writer.commit(2).await, database.check().await) {
        (Err(_), Err(said)) if said.contains("the writer notes has committed nothing") => Ok(()),
        other => Err(other),
    };
    eventually("it says so", SOON, said).await;

    holder.batch_execute("ROLLBACK").await.expect("the lock is gone");
    let note = eventually("a commit works", SOON, async || writer.commit(3).await).await;
    assert_eq!(note, "a note");
    eventually("it is ready again", SOON, async || database.check().await).await;
}

#[actix_rt::test]
async fn requests_and_writers_do_not_wait_for_each_other() {
    let test = TestDatabase::create().await;
    let settings = DatabaseSettings { pool_size: 2, ..database_settings(test.url()) };
    let database = open(&settings);
    let reads = database.requests("reads").expect("a pool");
    let writer = writing_notes(&database, &settings).await;

    let mut taken = Vec::new();
    for (pool, size) in [(&database, 4), (&reads, settings.pool_size)] {
        pid(&reads).await;
        for _ in 0..size {
            taken.push(pool.connection().await.expect("a connection"));
        }
        let more = tokio::time::timeout(Duration::from_millis(100), pool.connection()).await;
        assert!(more.is_err(), "the pool has more than {size}");
    }
    assert_eq!(writer.commit(2).await, Ok("a note".to_owned()));
}

#[actix_rt::test]
async fn the_way_down_has_one_deadline() {
    let (_server, hung) = silent_server();
    let url = format!("postgres://postgres@127.0.0.1:{hung}/nowhere");
    let settings = DatabaseSettings { connect_timeout: Duration::from_secs(60), ..database_settings(&url) };
    let writers: Vec<_> = (0..10).map(|_| notes(&open(&settings), &settings)).collect();
    for writer in &writers {
        let busy = async || match tokio::time::timeout(Duration::from_millis(50), writer.commit(1)).await {
            Err(_) => Ok(()),
            Ok(early) => Err(early),
        };
        eventually("it has work in hand", SOON, busy).await;
    }

    let began = Instant::now();
    let down = Deadline::after(Duration::from_millis(500));
    for writer in &writers {
        down.stage("a writer", writer.drain(down.left())).await;
    }

    assert!(began.elapsed() >= Duration::from_millis(500), "it waited for the first");
    // Ten deadlines are five seconds.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
