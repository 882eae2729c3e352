use std::time::Duration;

use events::{Envelope, Route};
use runtime::outbox::{OutboxEvent, OutboxRows, Retention, TooLarge, agree_on_partitions};
use testing::eventually;

use crate::toy::{Bank, Deposited, GROUP, ROUTE, SOON, STREAM, deposited};

const LONG: Duration = Duration::from_secs(3600);

fn event(retention: Retention) -> OutboxEvent {
    OutboxEvent::new::<Deposited>(deposited("alice", 1), retention).expect("small enough")
}

/// Leased to the relay of this process for `lease`.
async fn insert(bank: &Bank, event: &OutboxEvent, lease: Duration) {
    let rows: OutboxRows = [event].into_iter().collect();
    let connection = bank.teller.database.connection().await.expect("a connection");
    let sql = OutboxRows::insert(1, "");
    connection.execute(&sql, &rows.parameters(&lease.as_secs_f64())).await.expect("inserted");
}

/// Waits for at least `count` copies in the stream.
async fn published(bank: &Bank, event: &OutboxEvent, count: usize) {
    let look = async || match copies(bank, event).await {
        copies if copies >= count => Ok(()),
        copies => Err(copies),
    };
    eventually("the event is published", SOON, look).await;
}

async fn copies(bank: &Bank, event: &OutboxEvent) -> usize {
    let id = event.envelope.id.to_string();
    let entries: Vec<(String, Vec<String>)> = bank.redis.command(&["XRANGE", STREAM, "-", "+"]).await;
    entries.iter().filter(|(_, fields)| fields[1].contains(&id)).count()
}

async fn rows(bank: &Bank, count: i64) {
    let look = async || match bank.number("SELECT count(*) FROM outbox").await {
        rows if rows == count => Ok(()),
        rows => Err(rows),
    };
    eventually("the outbox holds the expected rows", SOON, look).await;
}

#[actix_rt::test]
async fn a_row_no_relay_was_fed_with_is_swept() {
    let bank = Bank::open().await;
    let forgotten = event(Retention::Repeated(0));
    insert(&bank, &forgotten, Duration::from_millis(200)).await;
    let _relay = bank.relay(|_| {});
    published(&bank, &forgotten, 1).await;
    rows(&bank, 0).await;
}

#[actix_rt::test]
async fn a_relay_that_is_fed_publishes_without_waiting_for_the_sweep() {
    let bank = Bank::open().await;
    let relay = bank.relay(|options| options.settings.sweep_interval = LONG);
    let healed =
        async || (bank.redis.command::<u8>(&["EXISTS", "orderflow:marker:bank"]).await == 1).then_some(());
    eventually("the first sweep is over", SOON, healed).await;
    let fed = event(Retention::Repeated(0));
    insert(&bank, &fed, LONG).await;
    relay.publish(vec![fed.clone()]);
    published(&bank, &fed, 1).await;
    rows(&bank, 0).await;
}

#[actix_rt::test]
async fn an_unconfirmed_event_is_published_again_whenever_its_copy_is_gone() {
    let bank = Bank::open().await;
    let unconfirmed = event(Retention::UntilConfirmed);
    insert(&bank, &unconfirmed, Duration::ZERO).await;
    let _relay = bank.relay(|options| options.settings.resend_after = Duration::from_millis(50));
    for _ in 0..3 {
        published(&bank, &unconfirmed, 1).await;
        bank.redis.command::<u64>(&["XTRIM", STREAM, "MAXLEN", "0"]).await;
    }
    rows(&bank, 1).await;
}

/// Waits until the sweep has checked the row `looks` times more.
async fn looked_at(bank: &Bank, looks: i64) {
    let so_far = bank.number("SELECT attempts::bigint FROM outbox").await;
    let look = async || match bank.number("SELECT attempts::bigint FROM outbox").await {
        attempts if attempts >= so_far + looks => Ok(()),
        attempts => Err(attempts),
    };
    eventually("the sweep has looked at the row", SOON, look).await;
}

const ANSWERS: &str = "answers";

#[actix_rt::test]
async fn an_event_is_not_published_again_while_its_copy_is_unread_or_pending_or_its_answer_may_wait() {
    let bank = Bank::open().await;
    let asked = event(Retention::UntilConfirmed);
    // Not fed: the relay may publish what it is fed beside its first sweep.
    insert(&bank, &asked, Duration::ZERO).await;
    let _relay = bank.relay(|options| {
        options.settings.resend_after = Duration::from_millis(100);
        options.routes = vec![Route { answered_on: &[ANSWERS], ..ROUTE }];
    });
    published(&bank, &asked, 1).await;
    looked_at(&bank, 3).await;
    assert_eq!(copies(&bank, &asked).await, 1, "unread by a group that is not there yet");

    bank.redis.command::<()>(&["XGROUP", "CREATE", STREAM, GROUP, "0"]).await;
    bank.redis.command::<redis::Value>(&["XREADGROUP", "GROUP", GROUP, "one", "STREAMS", STREAM, ">"]).await;
    looked_at(&bank, 2).await;
    assert_eq!(copies(&bank, &asked).await, 1, "pending");

    bank.redis.command::<()>(&["XGROUP", "CREATE", ANSWERS, GROUP, "0", "MKSTREAM"]).await;
    // A long wait before handling: the reply is much younger than the event.
    let answer = bank.redis.command::<String>(&["XADD", ANSWERS, "*", "an", "answer"]).await;
    let mut entries: Vec<(String, Vec<String>)> = bank.redis.command(&["XRANGE", STREAM, "-", "+"]).await;
    let (entry, _) = entries.remove(0);
    bank.redis.command::<u64>(&["XACK", STREAM, GROUP, &entry]).await;
    looked_at(&bank, 3).await;
    assert_eq!(copies(&bank, &asked).await, 1, "acknowledged, and an answer is unread");

    bank.redis.command::<redis::Value>(&["XREADGROUP", "GROUP", GROUP, "one", "STREAMS", ANSWERS, ">"]).await;
    bank.redis.command::<u64>(&["XACK", ANSWERS, GROUP, &answer]).await;
    published(&bank, &asked, 2).await;
}

#[actix_rt::test]
async fn the_row_of_an_event_that_is_confirmed_at_once_is_never_written_again() {
    let bank = Bank::open().await;
    // An entry is noted after a quarter of it.
    let relay = bank.relay(|options| options.settings.resend_after = Duration::from_secs(16));
    let confirmed = event(Retention::UntilConfirmed);
    let other = event(Retention::UntilConfirmed);
    for event in [&confirmed, &other] {
        insert(&bank, event, LONG).await;
    }
    relay.publish(vec![confirmed.clone(), other.clone()]);
    published(&bank, &confirmed, 1).await;
    relay.confirmed(vec![confirmed.envelope.id]);
    let known = async || {
        (bank.number("SELECT count(*) FROM outbox WHERE entry_id IS NOT NULL").await == 1).then_some(())
    };
    eventually("the entry of the other one is noted", 2 * SOON, known).await;
    let sql = format!(
        "SELECT count(*) FROM outbox WHERE entry_id IS NOT NULL AND event_id = '{}'",
        other.envelope.id
    );
    assert_eq!(bank.number(&sql).await, 1);
}

const OTHER: &str = "other";

#[actix_rt::test]
async fn what_redis_refuses_on_one_stream_holds_up_no_other_and_is_published_when_it_is_taken() {
    let bank = Bank::open().await;
    bank.redis.command::<()>(&["SET", OTHER, "no stream"]).await;
    for _ in 0..1000 {
        insert(
            &bank,
            &OutboxEvent { stream: OTHER.to_owned(), ..event(Retention::Repeated(0)) },
            Duration::ZERO,
        )
        .await;
    }
    let behind = event(Retention::Repeated(0));
    insert(&bank, &behind, Duration::ZERO).await;
    let _relay = bank.relay(|options| {
        options.routes = vec![Route { stream: OTHER, ..ROUTE }, ROUTE];
        options.settings.resend_after = LONG;
    });
    published(&bank, &behind, 1).await;
    rows(&bank, 1000).await;

    bank.redis.command::<u64>(&["DEL", OTHER]).await;

    rows(&bank, 0).await;
}

#[actix_rt::test]
async fn a_row_that_was_looked_at_two_million_times_is_swept_like_any_other() {
    let bank = Bank::open().await;
    let old = event(Retention::UntilConfirmed);
    let other = event(Retention::Repeated(0));
    for event in [&old, &other] {
        insert(&bank, event, Duration::ZERO).await;
    }
    let connection = bank.teller.database.connection().await.expect("a connection");
    connection
        .execute("UPDATE outbox SET attempts = 2000000 WHERE event_id = $1", &[&old.envelope.id])
        .await
        .expect("updated");
    let _relay = bank.relay(|_| {});
    published(&bank, &old, 1).await;
    published(&bank, &other, 1).await;
}

#[actix_rt::test]
async fn a_sweep_begins_where_the_last_one_ended_whatever_a_snapshot_keeps_alive() {
    let bank = Bank::open().await;
    let snapshot = bank.teller.database.connection().await.expect("a connection");
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ;
                 SET LOCAL idle_in_transaction_session_timeout = 0;
                 SELECT count(*) FROM outbox";
    snapshot.batch_execute(begin).await.expect("a snapshot");
    let rows_of_before = "INSERT INTO outbox (event_id, stream, envelope, due_at)
                          SELECT gen_random_uuid(), 'deposited', '', now() - interval '1 hour'
                          FROM generate_series(1, 20000);
                          DELETE FROM outbox";
    bank.teller
        .database
        .connection()
        .await
        .expect("a connection")
        .batch_execute(rows_of_before)
        .await
        .expect("dead rows");
    let _relay = bank.relay(|options| options.settings.sweep_interval = Duration::from_millis(50));
    let read = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'outbox_due'";
    let scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'outbox_due'";
    let first = async || match bank.number(read).await {
        read if read >= 20_000 => Ok(read),
        read => Err(read),
    };
    let read_by_first = eventually("the first sweep reads the dead rows", SOON, first).await;
    let scans_by_first = bank.number(scans).await;

    let more = async || match bank.number(scans).await {
        scans if scans >= scans_by_first + 20 => Ok(()),
        scans => Err(scans),
    };
    eventually("the next ones are over", SOON, more).await;

    let read_by_next = bank.number(read).await - read_by_first;
    // A full sweep reads them again, twice a minute.
    assert!(read_by_next < 5 * 20_000, "{read_by_next} rows were read by the sweeps after the first");
    snapshot.batch_execute("ROLLBACK").await.expect("released");
}

#[actix_rt::test]
async fn a_stream_that_is_full_gets_no_more_and_the_rest_follows_when_there_is_room() {
    let bank = Bank::open().await;
    bank.redis.command::<()>(&["XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM"]).await;
    for _ in 0..30 {
        insert(&bank, &event(Retention::Repeated(0)), Duration::ZERO).await;
    }
    let relay = bank.relay(|options| options.settings.backlog = 10);
    let fed: Vec<OutboxEvent> = (0..30).map(|_| event(Retention::Repeated(0))).collect();
    for event in &fed {
        insert(&bank, event, Duration::from_millis(100)).await;
    }
    relay.publish(fed);
    let full = async || (bank.redis.command::<u64>(&["XLEN", STREAM]).await >= 10).then_some(());
    eventually("the stream is full", SOON, full).await;
    // The first feed and the first sweep may each fill the stream once.
    assert!(bank.redis.command::<u64>(&["XLEN", STREAM]).await <= 20);

    let consumers = bank.consumers();

    bank.all_processed(&consumers, 60).await;
    rows(&bank, 0).await;
}

#[actix_rt::test]
async fn an_event_to_be_repeated_is_forgotten_after_its_repeats() {
    let bank = Bank::open().await;
    let repeated = event(Retention::Repeated(2));
    insert(&bank, &repeated, Duration::ZERO).await;
    let _consumers = bank.consumers(); // an unread copy is not repeated
    let _relay = bank.relay(|options| options.settings.resend_after = Duration::from_millis(50));
    rows(&bank, 0).await;
    published(&bank, &repeated, 2).await;
}

#[actix_rt::test]
async fn when_redis_was_reset_everything_unconfirmed_is_published_again_whatever_its_lease() {
    let bank = Bank::open().await;
    let relay = bank.relay(|options| options.settings.resend_after = Duration::from_millis(200));
    let events: Vec<OutboxEvent> = (0..1500).map(|_| event(Retention::UntilConfirmed)).collect();
    for event in &events {
        insert(&bank, event, LONG).await;
    }
    relay.publish(events.clone());
    let known =
        async || (bank.number("SELECT count(*) FROM outbox WHERE entry_id IS NULL").await == 0).then_some(());
    eventually("every row knows its entry", SOON, known).await;

    bank.redis.command::<()>(&["FLUSHALL"]).await;

    let again = async || match bank.redis.command::<u64>(&["XLEN", STREAM]).await {
        1500.. => Ok(()),
        length => Err(length),
    };
    eventually("all are published again", SOON, again).await;
    let healed = async || {
        (bank.redis.command::<String>(&["GET", "orderflow:marker:bank"]).await == "present").then_some(())
    };
    eventually("it is noted as healed", SOON, healed).await;
    assert_eq!(bank.redis.command::<u64>(&["XLEN", STREAM]).await, 1500, "each once");
}

#[actix_rt::test]
async fn a_reset_that_nobody_has_finished_healing_is_healed_by_the_next_sweep() {
    let bank = Bank::open().await;
    let mut events = [event(Retention::UntilConfirmed), event(Retention::UntilConfirmed)];
    events.sort_by_key(|event| event.envelope.id);
    let [before, after] = events;
    // The marker of a process that died after the first event.
    bank.redis
        .command::<()>(&["SET", "orderflow:marker:bank", &format!("healing:{}", before.envelope.id)])
        .await;
    for event in [&before, &after] {
        insert(&bank, event, LONG).await;
    }
    let connection = bank.teller.database.connection().await.expect("a connection");
    connection.execute("UPDATE outbox SET entry_id = '1-1'", &[]).await.expect("entries that are lost");

    let _relay = bank.relay(|options| options.settings.resend_after = LONG);

    published(&bank, &after, 1).await;
    let healed = async || {
        (bank.redis.command::<String>(&["GET", "orderflow:marker:bank"]).await == "present").then_some(())
    };
    eventually("it is noted as healed", SOON, healed).await;
    assert_eq!(copies(&bank, &before).await, 0);
}

#[actix_rt::test]
async fn a_service_that_counts_partitions_otherwise_than_its_database_is_refused_with_both_numbers() {
    let bank = Bank::open().await;
    let table = "CREATE TABLE stream_partitions (
                     singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
                     partitions integer NOT NULL
                 )";
    bank.teller
        .database
        .connection()
        .await
        .expect("a connection")
        .batch_execute(table)
        .await
        .expect("a table");
    agree_on_partitions(&bank.teller.database, 4).await.expect("the first to come decides");
    agree_on_partitions(&bank.teller.database, 4).await.expect("the same number");
    let refused =
        agree_on_partitions(&bank.teller.database, 1).await.expect_err("another number").to_string();
    assert!(refused.contains("counts 4 stream partitions") && refused.contains("is 1 here"), "{refused}");
}

#[actix_rt::test]
async fn what_was_committed_while_redis_was_down_is_published_when_it_is_back() {
    let mut bank = Bank::open().await;
    let relay = bank.relay(|_| {});
    bank.redis.stop().await;
    let fed = event(Retention::Repeated(0));
    let forgotten = event(Retention::Repeated(0));
    insert(&bank, &fed, LONG).await;
    insert(&bank, &forgotten, Duration::ZERO).await;
    relay.publish(vec![fed.clone()]);
    bank.redis.restart().await.expect("a restart");
    published(&bank, &fed, 1).await;
    published(&bank, &forgotten, 1).await;
    rows(&bank, 0).await;
}

#[actix_rt::test]
async fn a_drained_relay_has_published_what_it_was_fed() {
    let bank = Bank::open().await;
    let relay = bank.relay(|_| {});
    let events: Vec<OutboxEvent> = (0..2000).map(|_| event(Retention::Repeated(0))).collect();
    let is_up =
        async || (bank.redis.command::<u8>(&["EXISTS", "orderflow:marker:bank"]).await == 1).then_some(());
    eventually("the relay is up", SOON, is_up).await;
    relay.publish(events);
    assert!(relay.drain(SOON).await);
    assert_eq!(bank.redis.command::<u64>(&["XLEN", STREAM]).await, 2000);
}

#[test]
fn data_over_the_limit_is_refused_before_anything_is_stored() {
    let envelope = Envelope { data: "x".repeat(256 * 1024 + 1), ..deposited("alice", 1) };
    let refused = TooLarge { id: envelope.id, size: 256 * 1024 + 1 };
    assert_eq!(OutboxEvent::new::<Deposited>(envelope, Retention::Repeated(0)), Err(refused));
}
