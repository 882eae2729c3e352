use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use chaos::proxy::{Mode, Protocol, Proxy};
use ctl::stack::Kind;
use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use serde_json::json;
use servers::through_port;
use testing::{TestDatabase, TestRedis, postgres};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tokio_postgres::{Client, NoTls};

use e2e::{SOON, Shop, eventually, key};

/// Long against an answer on loopback.
const NO_ANSWER: Duration = Duration::from_millis(300);

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

struct Session {
    client: Client,
    _connection: JoinSet<()>,
}

impl Session {
    async fn open(url: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async { drop(connection.await) });
        Ok(Self { client, _connection: driver })
    }

    async fn count(&self) -> i64 {
        self.client.query_one("SELECT count(*) FROM t", &[]).await.expect("rows").get(0)
    }
}

struct Stage {
    proxy: Proxy,
    database: TestDatabase,
    direct: Session,
}

impl Stage {
    async fn set() -> Self {
        let database = TestDatabase::create().await;
        let server = postgres().await;
        let proxy = Proxy::start(Protocol::Postgres, local(server.port())).expect("a port");
        let direct = Session::open(database.url()).await.expect("a session");
        direct.client.batch_execute("CREATE TABLE t (n integer PRIMARY KEY)").await.expect("a table");
        Self { proxy, database, direct }
    }

    fn url(&self) -> String {
        through_port(self.database.url(), self.proxy.port())
    }

    async fn session(&self) -> Session {
        Session::open(&self.url()).await.expect("a session")
    }

    async fn back_to_normal(&self) {
        self.proxy.set(Mode::Pass);
        let works =
            async || Session::open(&self.url()).await?.client.simple_query("SELECT 1").await.map(drop);
        eventually("it works again", SOON, works).await;
    }
}

async fn redis_through(proxy: &Proxy, server: &TestRedis) -> MultiplexedConnection {
    let client = redis::Client::open(through_port(&server.url(), proxy.port())).expect("a client");
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(SOON));
    client.get_multiplexed_async_connection_with_config(&config).await.expect("a connection")
}

async fn increment(connection: &mut MultiplexedConnection) -> redis::RedisResult<i64> {
    redis::cmd("INCR").arg("n").query_async(connection).await
}

#[tokio::test]
async fn while_it_passes_a_client_sees_no_difference() {
    let stage = Stage::set().await;
    let session = stage.session().await;
    let large = "x".repeat(3_000_000);
    let echo: String = session.client.query_one("SELECT $1::text", &[&large]).await.expect("a row").get(0);
    assert!(echo == large, "three megabytes there and back");
    assert_eq!(stage.proxy.landed(), 0);
}

#[tokio::test]
async fn refuse_resets_who_is_there_and_refuses_who_comes_until_it_passes_again() {
    let stage = Stage::set().await;
    let session = stage.session().await;
    stage.proxy.set(Mode::Refuse);
    let refused = async || match TcpStream::connect(local(stage.proxy.port())).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        other => Err(format!("{other:?}")),
    };
    eventually("connections are refused", SOON, refused).await;
    session.client.simple_query("SELECT 1").await.expect_err("it was reset");
    assert_eq!(stage.proxy.landed(), 1);
    stage.back_to_normal().await;
}

#[tokio::test]
async fn reset_breaks_every_connection_once_and_takes_new_ones() {
    let stage = Stage::set().await;
    let one = stage.session().await;
    let two = stage.session().await;
    stage.proxy.set(Mode::Reset);
    assert_eq!(stage.proxy.mode(), Mode::Pass);
    for session in [one, two] {
        // A request may be ahead of the reset.
        let broken = async || {
            if session.client.simple_query("SELECT 1").await.is_err() { Ok(()) } else { Err("it answers") }
        };
        eventually("the connection is broken", SOON, broken).await;
    }
    stage.session().await.client.simple_query("SELECT 1").await.expect("a new connection works");
    assert_eq!(stage.proxy.landed(), 2);
}

#[tokio::test]
async fn in_a_black_hole_nothing_is_answered_and_the_connection_stays_up() {
    let stage = Stage::set().await;
    let session = stage.session().await;
    stage.proxy.set(Mode::BlackHole);
    let mut question = std::pin::pin!(session.client.simple_query("SELECT 1"));
    timeout(NO_ANSWER, &mut question).await.expect_err("no answer, and no error");
    TcpStream::connect(local(stage.proxy.port())).await.expect("a connection can be made");
    timeout(NO_ANSWER, Session::open(&stage.url())).await.map(drop).expect_err("but nobody is there");
    assert!(stage.proxy.landed() >= 2, "the question and the new connection were held back");
    stage.proxy.set(Mode::Pass);
    timeout(SOON, question).await.expect("in time").expect_err("who waited is reset");
    stage.back_to_normal().await;
}

#[tokio::test]
async fn a_server_does_not_learn_through_a_black_hole_that_its_client_is_gone() {
    let stage = Stage::set().await;
    let session = stage.session().await;
    let pid: i32 = session.client.query_one("SELECT pg_backend_pid()", &[]).await.expect("a row").get(0);
    let backends = async || {
        let count = stage
            .direct
            .client
            .query_one("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", &[&pid])
            .await;
        count.expect("a row").get::<_, i64>(0)
    };
    stage.proxy.set(Mode::BlackHole);
    let before = stage.proxy.landed();
    drop(session);
    let held_back = async || (stage.proxy.landed() > before).then_some(());
    eventually("the end of the client is held back", SOON, held_back).await;
    assert_eq!(backends().await, 1, "its backend still waits for it");
    stage.proxy.set(Mode::Pass);
    let gone = async || if backends().await == 0 { Ok(()) } else { Err("the backend is there") };
    eventually("the server learns of it", SOON, gone).await;
}

#[tokio::test]
async fn a_silenced_connection_says_nothing_for_good_and_new_ones_work() {
    let stage = Stage::set().await;
    let session = stage.session().await;
    stage.proxy.silence();
    let mut question = std::pin::pin!(session.client.simple_query("SELECT 1"));
    timeout(NO_ANSWER, &mut question).await.expect_err("no answer, and no error");
    stage.session().await.client.simple_query("SELECT 1").await.expect("a new connection works");
    stage.proxy.set(Mode::Pass);
    timeout(NO_ANSWER, &mut question).await.expect_err("it stays silent, whatever passes now");
    assert_eq!((stage.proxy.landed(), stage.proxy.silent()), (1, 1));
    stage.proxy.set(Mode::Reset);
    timeout(SOON, question).await.expect("in time").expect_err("only a reset ends it");
    assert_eq!(stage.proxy.silent(), 0);
}

#[tokio::test]
async fn diverted_connections_reach_the_other_server_and_those_that_exist_stay() {
    let first = TestRedis::start().await;
    let second = TestRedis::start_with_password_of(&first).await;
    let proxy = Proxy::start(Protocol::Redis, local(first.port())).expect("a port");
    let mut old = redis_through(&proxy, &first).await;
    assert_eq!(increment(&mut old).await.expect("an answer"), 1);
    proxy.divert(local(second.port()));
    assert_eq!(
        increment(&mut redis_through(&proxy, &first).await).await.expect("an answer"),
        1,
        "the second has counted nothing yet"
    );
    assert_eq!(increment(&mut old).await.expect("an answer"), 2);
}

#[tokio::test]
async fn delay_adds_its_time_to_every_answer_and_not_to_each_after_the_other() {
    let server = TestRedis::start().await;
    let proxy = Proxy::start(Protocol::Redis, local(server.port())).expect("a port");
    let connection = redis_through(&proxy, &server).await;
    let delay = Duration::from_millis(400);
    proxy.set(Mode::Delay(delay));
    let started = Instant::now();
    let one = async || {
        let answer = increment(&mut connection.clone()).await.expect("an answer");
        assert!(started.elapsed() >= delay, "{:?}", started.elapsed());
        answer
    };
    let mut answers = join_all((0..20).map(|_| one())).await;
    assert!(started.elapsed() < 10 * delay, "{:?} for twenty at once", started.elapsed());
    answers.sort_unstable();
    assert_eq!(answers, (1..=20).collect::<Vec<_>>());
    assert!(proxy.landed() >= 1);
}

#[tokio::test]
async fn the_lost_reply_of_a_commit_is_an_error_to_the_client_and_a_row_in_the_table() {
    let stage = Stage::set().await;
    let session = stage.session().await;
    let insert =
        session.client.prepare("INSERT INTO t SELECT unnest($1::integer[])").await.expect("a statement");
    stage.proxy.set(Mode::DropCommitReply);
    assert_eq!(session.count().await, 0, "reading is not affected");
    assert_eq!(stage.proxy.mode(), Mode::DropCommitReply);
    // More than one piece long.
    let numbers: Vec<i32> = (1..=100_000).collect();
    session.client.execute(&insert, &[&numbers]).await.expect_err("the connection is reset");
    assert_eq!(stage.direct.count().await, 100_000);
    assert_eq!((stage.proxy.mode(), stage.proxy.landed()), (Mode::Pass, 1));
    let session = stage.session().await;
    session.client.execute("INSERT INTO t VALUES (0)", &[]).await.expect("once only");
}

#[tokio::test]
async fn the_lost_reply_of_a_command_is_an_error_to_the_client_and_carried_out_by_redis() {
    let server = TestRedis::start().await;
    let proxy = Proxy::start(Protocol::Redis, local(server.port())).expect("a port");
    let mut connection = redis_through(&proxy, &server).await;
    assert_eq!(increment(&mut connection).await.expect("an answer"), 1);
    proxy.set(Mode::DropNextReply);
    increment(&mut connection).await.expect_err("the connection is reset");
    assert_eq!(server.command::<i64>(&["GET", "n"]).await, 2);
    assert_eq!((proxy.mode(), proxy.landed()), (Mode::Pass, 1));
    assert_eq!(increment(&mut redis_through(&proxy, &server).await).await.expect("once only"), 3);
}

#[tokio::test]
async fn a_server_that_is_down_is_a_broken_connection() {
    let mut server = TestRedis::start().await;
    let proxy = Proxy::start(Protocol::Redis, local(server.port())).expect("a port");
    let mut connection = redis_through(&proxy, &server).await;
    increment(&mut connection).await.expect("an answer");
    server.kill().await;
    increment(&mut connection).await.expect_err("it is gone");
    server.restart().await.expect("it starts");
    assert_eq!(increment(&mut redis_through(&proxy, &server).await).await.expect("it is back"), 2);
    assert_eq!(proxy.landed(), 0, "this was not our doing");
}

#[tokio::test]
async fn a_service_whose_commits_and_commands_lose_their_replies_takes_every_order_once() {
    let mut shop = Shop::open().await;
    shop.product("MUG", 100).await;
    let database = shop.stack.database_url(Kind::Payment);
    let broker = shop.redis().port();
    let database_proxy = Proxy::start(Protocol::Postgres, local(postgres().await.port())).expect("a port");
    let redis_proxy = Proxy::start(Protocol::Redis, local(broker)).expect("a port");
    let database = through_port(&database, database_proxy.port());
    let redis = through_port(&shop.redis().url(), redis_proxy.port());
    let second = shop
        .stack
        .start_service_with(Kind::Payment, &[("DATABASE_URL", &database), ("REDIS_URL", &redis)])
        .await;
    let second = second.unwrap_or_else(|error| panic!("{error}"));
    let url = format!("{}/orders", shop.stack.service(second).expect("it runs").url());
    let order = json!({"items": [{"sku": "MUG", "quantity": 1}]});

    for round in 1..=10 {
        database_proxy.set(Mode::DropCommitReply);
        redis_proxy.set(Mode::DropNextReply);
        let key = key();
        let place_until_accepted = async || {
            let request = reqwest::Client::new()
                .post(&url)
                .bearer_auth(shop.user.token())
                .header("Idempotency-Key", &key)
                .json(&order);
            match request.send().await {
                Ok(answer) if answer.status() == 202 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        };
        eventually("the order is accepted", SOON, place_until_accepted).await;
        let landed = async || match (database_proxy.landed(), redis_proxy.landed()) {
            both if both == (round, round) => Ok(()),
            seen => Err(seen),
        };
        eventually("both replies are lost", SOON, landed).await;
    }

    assert_eq!(shop.user.wait_for_all_ends(10).await, [("confirmed".to_owned(), 10)].into());
    shop.assert_stock_adds_up("MUG", 100).await;
    shop.assert_money_adds_up().await;
}
