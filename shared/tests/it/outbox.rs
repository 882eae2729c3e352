//! Nothing that was committed stays unpublished, whoever forgets it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::events::Envelope;
use shared::outbox::{OutboxEvent, OutboxRows, Retention, TooLarge};
use shared::testing::eventually;

use crate::toy::{Bank, Deposited, SOON, STREAM, deposited};

const LONG: Duration = Duration::from_secs(3600);

fn event(retention: Retention) -> OutboxEvent {
    OutboxEvent::new::<Deposited>(deposited("alice", 1), retention).expect("small enough")
}

/// What an effect's transaction does; leased to the relay of this process for `lease`.
async fn insert(bank: &Bank, event: &OutboxEvent, lease: Duration) {
    let rows: OutboxRows = [event].into_iter().collect();
    let sql = "INSERT INTO outbox (event_id, stream, envelope, repeats, due_at)
               SELECT *, now() + make_interval(secs => $5) FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[])";
    let connection = bank.teller.database.connection().await.expect("a connection");
    let lease = lease.as_secs_f64();
    connection.execute(sql, &[&rows.ids, &rows.streams, &rows.envelopes, &rows.repeats, &lease]).await.expect("inserted");
}

/// Waits until at least `count` copies of the event are in the stream.
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
    entries.iter().filter(|(_, fields)| fields.contains(&id)).count()
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
    let healed = async || (bank.redis.command::<u8>(&["EXISTS", "orderflow:marker:bank"]).await == 1).then_some(());
    eventually("the first sweep is over", SOON, healed).await;
    let fed = event(Retention::Repeated(0));
    insert(&bank, &fed, LONG).await;
    relay.publish(vec![fed.clone()]);
    published(&bank, &fed, 1).await;
    rows(&bank, 0).await;
}

#[actix_rt::test]
async fn an_unconfirmed_event_is_published_again_and_again_until_its_row_is_gone() {
    let bank = Bank::open().await;
    let unconfirmed = event(Retention::UntilConfirmed);
    insert(&bank, &unconfirmed, Duration::ZERO).await;
    let _relay = bank.relay(|options| options.settings.resend_after = Duration::from_millis(50));
    published(&bank, &unconfirmed, 3).await;
    rows(&bank, 1).await;
}

#[actix_rt::test]
async fn an_event_whose_last_copy_nobody_has_read_yet_is_not_published_again_until_they_have() {
    let bank = Bank::open().await;
    bank.redis.command::<String>(&["XADD", STREAM, "1-1", "old", "and unread"]).await;
    let (waiting, lost) = (event(Retention::UntilConfirmed), event(Retention::UntilConfirmed));
    for event in [&waiting, &lost] {
        insert(&bank, event, Duration::ZERO).await;
    }
    // Healed already: the sweep has no other reason to publish anything. One of the two is known not to have been published.
    bank.redis.command::<()>(&["SET", "orderflow:marker:bank", "present"]).await;
    let never = "UPDATE outbox SET due_at = '-infinity' WHERE event_id = $1";
    let connection = bank.teller.database.connection().await.expect("a connection");
    connection.execute(never, &[&lost.envelope.id]).await.expect("updated");
    let _relay = bank.relay(|options| options.settings.resend_after = LONG);
    published(&bank, &lost, 1).await;
    let copies: u64 = bank.redis.command(&["XLEN", STREAM]).await;
    assert_eq!(copies, 2, "the old one and the lost one");

    bank.redis.command::<()>(&["XGROUP", "CREATE", STREAM, "readers", "$"]).await;

    published(&bank, &waiting, 1).await;
}

const ANSWERS: &str = "answers";

#[actix_rt::test]
async fn an_event_is_not_published_again_while_its_copy_or_its_answer_is_being_worked_on() {
    for busy in [STREAM, ANSWERS] {
        let bank = Bank::open().await;
        bank.redis.command::<()>(&["XGROUP", "CREATE", busy, "readers", "0", "MKSTREAM"]).await;
        bank.redis.command::<String>(&["XADD", busy, "1-1", "old", "and pending"]).await;
        let read = ["XREADGROUP", "GROUP", "readers", "one", "STREAMS", busy, ">"];
        bank.redis.command::<redis::Value>(&read).await;
        bank.redis.command::<()>(&["SET", "orderflow:marker:bank", "present"]).await;
        let (waiting, lost) = (event(Retention::UntilConfirmed), event(Retention::UntilConfirmed));
        for event in [&waiting, &lost] {
            insert(&bank, event, Duration::ZERO).await;
        }
        let connection = bank.teller.database.connection().await.expect("a connection");
        connection.execute("UPDATE outbox SET due_at = '-infinity' WHERE event_id = $1", &[&lost.envelope.id]).await.expect("updated");
        let _relay = bank.relay(|options| {
            options.settings.resend_after = LONG;
            options.answered_on = &[ANSWERS];
        });
        published(&bank, &lost, 1).await;
        assert_eq!(copies(&bank, &waiting).await, 0, "{busy}");

        bank.redis.command::<u64>(&["XACK", busy, "readers", "1-1"]).await;
        bank.redis.command::<()>(&["XGROUP", "SETID", busy, "readers", "$"]).await;

        published(&bank, &waiting, 1).await;
    }
}

#[actix_rt::test]
async fn an_event_to_be_repeated_is_forgotten_after_its_repeats() {
    let bank = Bank::open().await;
    let repeated = event(Retention::Repeated(2));
    insert(&bank, &repeated, Duration::ZERO).await;
    let _relay = bank.relay(|options| options.settings.resend_after = Duration::from_millis(50));
    rows(&bank, 0).await;
    published(&bank, &repeated, 2).await;
}

#[actix_rt::test]
async fn when_redis_was_reset_everything_unconfirmed_is_published_again_at_once() {
    let bank = Bank::open().await;
    let resets = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&resets);
    let relay = bank.relay(move |options| {
        options.settings.resend_after = LONG;
        options.after_reset = Some(Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(Ok(())))
        }));
    });
    let unconfirmed = event(Retention::UntilConfirmed);
    insert(&bank, &unconfirmed, LONG).await;
    relay.publish(vec![unconfirmed.clone()]);
    published(&bank, &unconfirmed, 1).await;
    let before = async || (resets.load(Ordering::Relaxed) == 1).then_some(());
    eventually("the new Redis is noticed", SOON, before).await;

    bank.redis.command::<()>(&["FLUSHALL"]).await;

    // The sweep of the first reset may still be on its way: that the second one is noticed is waited for, not assumed.
    let after = async || (resets.load(Ordering::Relaxed) == 2).then_some(());
    eventually("the reset is noticed", SOON, after).await;
    published(&bank, &unconfirmed, 1).await;
}

#[actix_rt::test]
async fn a_reset_that_nobody_has_finished_healing_is_healed_by_the_next_sweep() {
    let bank = Bank::open().await;
    // What a process leaves that dies between noticing the reset and publishing everything again.
    bank.redis.command::<()>(&["SET", "orderflow:marker:bank", "healing"]).await;
    let unconfirmed = event(Retention::UntilConfirmed);
    insert(&bank, &unconfirmed, LONG).await;

    let _relay = bank.relay(|options| options.settings.resend_after = LONG);

    published(&bank, &unconfirmed, 1).await;
    let healed = async || (bank.redis.command::<String>(&["GET", "orderflow:marker:bank"]).await == "present").then_some(());
    eventually("it is noted as healed", SOON, healed).await;
}

#[actix_rt::test]
async fn what_was_committed_while_redis_was_down_is_published_when_it_is_back() {
    let mut bank = Bank::open().await;
    let relay = bank.relay(|_| {});
    bank.redis.stop().await;
    let (fed, forgotten) = (event(Retention::Repeated(0)), event(Retention::Repeated(0)));
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
    let is_up = async || (bank.redis.command::<u8>(&["EXISTS", "orderflow:marker:bank"]).await == 1).then_some(());
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
