use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use servers::account::scratch_dir;
use servers::{Durability, Postgres, PostgresOptions, Redis, RedisOptions, ServerError};
use tokio_postgres::NoTls;

fn small(data_dir: PathBuf) -> PostgresOptions {
    let mut options = PostgresOptions::new(data_dir);
    options.settings = vec![("shared_buffers", "16MB")];
    options.max_connections = 20;
    options.durability = Durability::ProcessCrash;
    options
}

async fn sql(postgres: &Postgres, statement: &str) -> Vec<String> {
    let (client, connection) =
        tokio_postgres::connect(&postgres.url("postgres"), NoTls).await.expect("a connection");
    let ask = async move { client.simple_query(statement).await };
    let (answer, _) = tokio::join!(ask, connection);
    let text = |message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    answer.expect("an answer").into_iter().filter_map(text).collect()
}

fn connection(redis: &Redis) -> redis::Connection {
    let client = redis::Client::open(redis.url()).expect("a URL");
    client.get_connection().expect("a connection")
}

fn runs(pid: i32) -> bool {
    // A zombie has no executable. In a container, orphans may stay zombies.
    std::fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_committed_row_survives_kill_9_and_a_restart_on_the_same_port() {
    let dir = scratch_dir().expect("a folder");
    let mut options = small(dir.path().join("postgres"));
    options.durability = Durability::PowerLoss;
    let mut postgres = Postgres::start(options).await.expect("a server");
    assert_eq!(sql(&postgres, "SHOW fsync").await, ["on"]);
    sql(&postgres, "CREATE TABLE kept AS SELECT 42 AS answer").await;
    let port = postgres.port();

    postgres.kill().await;
    assert_eq!(postgres.pid(), None);
    postgres.restart().await.expect("a restart");

    assert_eq!(postgres.port(), port);
    assert_eq!(sql(&postgres, "SELECT answer FROM kept").await, ["42"]);
}

#[tokio::test]
async fn a_second_start_on_the_same_folder_finds_the_data_of_the_first() {
    let dir = scratch_dir().expect("a folder");
    let mut first = Postgres::start(small(dir.path().join("postgres"))).await.expect("a server");
    first.ensure_database("shop").await.expect("a database");
    first.ensure_database("shop").await.expect("the same database");
    let status = first.stop().await.expect("it ran");
    assert!(status.success(), "{status}");

    let second = Postgres::start(small(dir.path().join("postgres"))).await.expect("a server");
    assert!(sql(&second, "SELECT datname FROM pg_database").await.contains(&"shop".to_owned()));
}

#[tokio::test]
async fn a_pid_file_left_by_a_killed_server_does_not_prevent_a_start() {
    let dir = scratch_dir().expect("a folder");
    let mut postgres = Postgres::start(small(dir.path().join("postgres"))).await.expect("a server");
    postgres.kill().await;
    // The pid now belongs to another program: this one.
    let pid_file = dir.path().join("postgres/cluster/postmaster.pid");
    std::fs::write(&pid_file, format!("{}\n", std::process::id())).expect("the file left behind");

    postgres.restart().await.expect("a restart");
}

#[tokio::test]
async fn a_folder_in_use_is_an_error_that_names_the_process() {
    let dir = scratch_dir().expect("a folder");
    let first = Redis::start(RedisOptions::new(dir.path().join("redis"))).await.expect("a server");

    let error = Redis::start(RedisOptions::new(dir.path().join("redis"))).await.expect_err("it is in use");

    assert!(matches!(&error, ServerError::InUse { pid, .. } if Some(*pid) == first.pid()), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_its_holder() {
    let dir = scratch_dir().expect("a folder");
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let mut options = RedisOptions::new(dir.path().join("redis"));
    options.port = Some(listener.local_addr().expect("its address").port());

    let error = Redis::start(options).await.expect_err("it is taken").to_string();

    assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_the_last_lines_of_its_log() {
    let dir = scratch_dir().expect("a folder");
    let mut options = small(dir.path().join("postgres"));
    options.settings = vec![("shared_buffers", "plenty")];

    let error = Postgres::start(options).await.expect_err("no such size").to_string();

    assert!(error.contains(r#"invalid value for parameter "shared_buffers": "plenty""#), "{error}");
}

#[tokio::test]
async fn two_servers_side_by_side_do_not_see_each_other() {
    let here = scratch_dir().expect("a folder");
    let there = scratch_dir().expect("a folder");
    let (first, second) = tokio::join!(
        Postgres::start(small(here.path().join("postgres"))),
        Postgres::start(small(there.path().join("postgres"))),
    );
    let first = first.expect("a server");
    let second = second.expect("a server");

    first.create_database("only_here", None).await.expect("a database");

    assert_ne!(first.port(), second.port());
    assert!(!sql(&second, "SELECT datname FROM pg_database").await.contains(&"only_here".to_owned()));
}

#[tokio::test]
async fn a_database_can_be_copied_from_a_template_and_dropped() {
    let dir = scratch_dir().expect("a folder");
    let postgres = Postgres::start(small(dir.path().join("postgres"))).await.expect("a server");
    postgres.create_database("template_of_the_shop", None).await.expect("a database");
    let copies = tokio::join!(
        postgres.create_database("first", Some("template_of_the_shop")),
        postgres.create_database("second", Some("template_of_the_shop")),
    );
    copies.0.expect("a copy");
    copies.1.expect("a copy at the same time");
    postgres.drop_database("first").await.expect("no more");
    postgres.drop_database("first").await.expect("still no more");
}

#[tokio::test]
async fn a_value_survives_kill_9_of_redis() {
    let dir = scratch_dir().expect("a folder");
    let mut server = Redis::start(RedisOptions::new(dir.path().join("redis"))).await.expect("a server");
    let set = redis::cmd("SET").arg(&["kept", "42"]).exec(&mut connection(&server));
    set.expect("written");

    server.kill().await;
    server.restart().await.expect("a restart");

    let kept: u64 = redis::cmd("GET").arg("kept").query(&mut connection(&server)).expect("a value");
    assert_eq!(kept, 42);
    let setting = redis::cmd("CONFIG").arg(&["GET", "maxmemory-policy"]).query(&mut connection(&server));
    let setting: Vec<String> = setting.expect("a setting");
    assert_eq!(setting, ["maxmemory-policy", "noeviction"]);
}

#[tokio::test]
async fn no_server_runs_as_root() {
    let dir = scratch_dir().expect("a folder");
    let redis = Redis::start(RedisOptions::new(dir.path().join("redis"))).await.expect("a server");
    let owner = owner_of(redis.pid().expect("it runs"));
    assert_ne!(owner, 0);
    assert!(Uid::effective().is_root() || owner == Uid::effective().as_raw());
}

fn owner_of(pid: i32) -> u32 {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc").join(pid.to_string()).metadata().expect("a process").uid()
}

#[tokio::test]
async fn a_dropped_server_leaves_no_process() {
    let dir = scratch_dir().expect("a folder");
    let postgres = Postgres::start(small(dir.path().join("postgres"))).await.expect("a server");
    let redis = Redis::start(RedisOptions::new(dir.path().join("redis"))).await.expect("a server");
    let pids = [postgres.pid(), redis.pid()].map(|pid| pid.expect("it runs"));
    drop((postgres, redis));
    assert!(!pids.into_iter().any(runs));
}

#[tokio::test]
async fn servers_end_with_a_parent_that_is_killed_with_sigkill() {
    let mut parent = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "a_parent_that_waits_to_be_killed", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut lines = BufReader::new(parent.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let pids: Vec<i32> = lines
        .find_map(|line| line.strip_prefix("servers ").map(str::to_owned))
        .expect("two process ids")
        .split(' ')
        .map(|pid| pid.parse().expect("a process id"))
        .collect();

    kill(Pid::from_raw(i32::try_from(parent.id()).expect("a process id")), Signal::SIGKILL).expect("killed");
    parent.wait().expect("its end");

    wait_until("both servers end", || !pids.iter().any(|pid| runs(*pid))).await;
}

#[tokio::test]
#[ignore = "the other half of the test above, which runs it in a process of its own"]
async fn a_parent_that_waits_to_be_killed() {
    let dir = scratch_dir().expect("a folder");
    let postgres = Postgres::start(small(dir.path().join("postgres"))).await.expect("a server");
    let redis = Redis::start(RedisOptions::new(dir.path().join("redis"))).await.expect("a server");
    println!("\nservers {} {}", postgres.pid().expect("it runs"), redis.pid().expect("it runs"));
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn nobody_gets_in_without_the_password_or_reads_it_from_the_arguments_of_a_process() {
    let dir = scratch_dir().expect("a folder");
    let postgres = Postgres::start(small(dir.path().join("postgres"))).await.expect("a server");
    let redis = Redis::start(RedisOptions::new(dir.path().join("redis"))).await.expect("a server");
    let url = postgres.url("postgres");
    for other in ["wrong", ""] {
        let refused = tokio_postgres::connect(&url.replace(postgres.password(), other), NoTls).await;
        assert!(refused.is_err(), "PostgreSQL takes `{other}`");
        let client = redis::Client::open(redis.url().replace(redis.password(), other)).expect("a URL");
        let refused = client.get_connection().and_then(|mut open| redis::cmd("PING").exec(&mut open));
        assert!(refused.is_err(), "Redis takes `{other}`");
    }
    for (pid, password) in [(postgres.pid(), postgres.password()), (redis.pid(), redis.password())] {
        let file = format!("/proc/{}/cmdline", pid.expect("it runs"));
        assert!(!std::fs::read_to_string(file).expect("its arguments").contains(password));
    }
}

#[tokio::test]
async fn a_folder_from_before_passwords_is_refused_with_the_way_out() {
    let dir = scratch_dir().expect("a folder");
    std::fs::create_dir_all(dir.path().join("postgres/cluster")).expect("a folder");

    let error = Postgres::start(small(dir.path().join("postgres"))).await.expect_err("it is old").to_string();

    assert!(error.contains("shopctl up --fresh"), "{error}");
}
