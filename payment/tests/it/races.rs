//! Two transactions on the same rows at the same time.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use payment::{
    domain::{Applied, Order, OrderRequest, OrderStatus, Placed, ResponseKind},
    startup,
    store::{
        ApplyOutcomes, ChargeEntry, ChargeLedger, OrderOutcome, PlaceOrders, find_order, record_response,
        sweep_charges, take_due_charges,
    },
};
use refinery::Target;
use runtime::db::{self, Connection, Database, Write};
use testing::{TestDatabase, database_settings};
use uuid::Uuid;

use crate::books::{Books, SOON, confirmation, moves_to, place, request};

const APPLY: ApplyOutcomes = ApplyOutcomes { consumer: "payment-group", relay: None };

async fn apply(connection: &Connection, outcomes: &[OrderOutcome]) -> Vec<Applied> {
    APPLY.commit(connection, outcomes).await.expect("committed")
}

async fn place_all(
    connection: &Connection,
    writer: &PlaceOrders,
    batch: &[OrderRequest],
) -> Vec<(&'static str, Uuid)> {
    let batch: Vec<Arc<OrderRequest>> = batch.iter().cloned().map(Arc::new).collect();
    let placed = writer.commit(connection, &batch).await.expect("committed");
    let results = placed.into_iter().map(|placed| match placed {
        Placed::Created(order) => ("created", order.id),
        Placed::Replayed(order) => ("replayed", order.id),
        other => panic!("neither created nor replayed: {other:?}"),
    });
    results.collect()
}

#[actix_rt::test]
async fn a_known_key_among_new_ones_is_replayed_and_the_new_ones_are_placed() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let writer = PlaceOrders::new(Duration::ZERO, drop);
    let known = request("known");
    place_all(&connection, &writer, std::slice::from_ref(&known)).await;
    for round in ["the batch that is refused for it", "the one after that"] {
        let before = request(&format!("before {round}"));
        let after = request(&format!("after {round}"));
        let again = OrderRequest { order_id: Uuid::now_v7(), ..known.clone() };
        let placed = place_all(&connection, &writer, &[before.clone(), again, after.clone()]).await;
        assert_eq!(
            placed,
            [("created", before.order_id), ("replayed", known.order_id), ("created", after.order_id)],
            "{round}"
        );
    }
}

#[actix_rt::test]
async fn a_key_that_comes_twice_in_one_batch_places_one_order() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let first = request("one");
    let second = request("one");
    let placed = place_all(&connection, &PlaceOrders::new(Duration::ZERO, drop), &[first, second]).await;
    assert_eq!(
        (placed[0].1, [placed[0].0, placed[1].0].contains(&"replayed")),
        (placed[1].1, true),
        "{placed:?}"
    );
}

#[actix_rt::test]
async fn a_batch_whose_commit_was_not_heard_of_is_placed_once() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let writer = PlaceOrders::new(Duration::ZERO, drop);
    let batch = [request("one"), request("two")];
    let expected = [("created", batch[0].order_id), ("created", batch[1].order_id)];
    assert_eq!(place_all(&connection, &writer, &batch).await, expected);
    assert_eq!(place_all(&connection, &writer, &batch).await, expected);
}

fn charge(order_id: Uuid, charge_id: &str) -> ChargeEntry {
    ChargeEntry {
        order_id,
        charge_id: charge_id.to_owned(),
        amount: 1000,
        currency: "EUR".to_owned(),
        method: "tok_ok",
        awaited: false,
    }
}

#[actix_rt::test]
async fn a_charge_that_is_booked_keeps_its_id_among_new_ones() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let ledger = ChargeLedger::default();
    let known = Uuid::now_v7();
    assert_eq!(
        ledger.commit(&connection, &[charge(known, "ch_known")]).await,
        Ok(vec!["ch_known".to_owned()])
    );
    for round in ["the batch that is refused for it", "the one after that"] {
        let batch = [
            charge(Uuid::now_v7(), "ch_before"),
            charge(known, "ch_again"),
            charge(Uuid::now_v7(), "ch_after"),
        ];
        let booked = ledger.commit(&connection, &batch).await.expect("booked");
        assert_eq!(booked, ["ch_before", "ch_known", "ch_after"], "{round}");
    }
    assert_eq!(
        connection
            .query_one("SELECT count(*) FROM provider.charges", &[])
            .await
            .expect("an answer")
            .get::<i64>(0)
            .expect("a count"),
        5
    );
}

#[actix_rt::test]
async fn an_order_that_is_charged_twice_in_one_batch_is_booked_once() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let order = Uuid::now_v7();
    let booked = ChargeLedger::default()
        .commit(&connection, &[charge(order, "ch_1"), charge(order, "ch_2")])
        .await
        .expect("booked");
    assert_eq!(booked[0], booked[1]);
}

/// The orders found, and the number of batches left.
async fn swept(connection: &Connection) -> (Vec<Uuid>, i64) {
    sweep_charges(connection, Duration::ZERO).await.expect("swept");
    let due = take_due_charges(connection, 1000, SOON).await.expect("taken");
    let batches = connection
        .query_one("SELECT count(*) FROM charges_due", &[])
        .await
        .expect("an answer")
        .get(0)
        .expect("a count");
    let mut orders: Vec<Uuid> = due.iter().map(|due| due.order.id).collect();
    orders.sort_unstable();
    (orders, batches)
}

#[actix_rt::test]
async fn an_order_that_stays_pending_is_retried_and_its_batch_is_forgotten() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let batch = [request("one"), request("two"), request("three")];
    place_all(&connection, &PlaceOrders::new(Duration::ZERO, drop), &batch).await;
    moves_to(&connection, batch[0].order_id, "completed", "'ch_1'").await;

    assert_eq!(swept(&connection).await, (vec![batch[1].order_id, batch[2].order_id], 0));

    let again = "UPDATE charges_retried SET due_at = now()";
    connection.batch_execute(again).await.expect("due");
    moves_to(&connection, batch[1].order_id, "declined", "NULL").await;
    let due = take_due_charges(&connection, 1000, SOON).await.expect("taken");
    assert_eq!(
        due.iter().map(|due| (due.order.id, due.attempts)).collect::<Vec<_>>(),
        [(batch[2].order_id, 1)]
    );
    let left: i64 = connection
        .query_one("SELECT count(*) FROM charges_retried", &[])
        .await
        .expect("an answer")
        .get(0)
        .expect("a count");
    assert_eq!(left, 1, "what has moved on is forgotten");
}

#[actix_rt::test]
async fn orders_are_found_of_a_batch_during_which_the_clock_was_set() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let early = OrderRequest { order_id: Uuid::from_u128(1 << 80), ..request("before it was set") };
    let batch = [request("after it was set"), early];
    place_all(&connection, &PlaceOrders::new(Duration::ZERO, drop), &batch).await;
    assert_eq!(swept(&connection).await, (vec![batch[1].order_id, batch[0].order_id], 0));
}

#[actix_rt::test]
async fn orders_behind_more_settled_batches_than_are_looked_at_together_are_found() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let writer = PlaceOrders::new(Duration::ZERO, drop);
    for number in 0..150 {
        let order = request(&number.to_string());
        place_all(&connection, &writer, std::slice::from_ref(&order)).await;
        moves_to(&connection, order.order_id, "declined", "NULL").await;
    }
    let last = request("last");
    place_all(&connection, &writer, std::slice::from_ref(&last)).await;
    assert_eq!(swept(&connection).await, (vec![last.order_id], 0));
}

#[actix_rt::test]
async fn the_times_of_an_order_come_from_one_clock() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let clock = async || {
        connection
            .query_one("SELECT clock_timestamp()", &[])
            .await
            .expect("an answer")
            .get::<Timestamp>(0)
            .expect("a time")
    };
    let before = clock().await;
    let known = request("known");
    let order = place(&connection, known.clone()).await;
    assert!((before..=clock().await).contains(&order.created_at), "{before} {}", order.created_at);
    let stored = find_order(&connection, order.id).await.expect("an answer").expect("an order");
    assert_eq!(stored, *order, "what a 202 shows is what a replay shows");

    // Orders beside a known key are inserted by the checked statement.
    let careful = request("beside a known key");
    let again = OrderRequest { order_id: Uuid::now_v7(), ..known };
    let batch = [again, careful].map(Arc::new);
    let placed = PlaceOrders::new(Duration::ZERO, drop).commit(&connection, &batch).await.expect("committed");
    let [Placed::Replayed(..), Placed::Created(careful)] = &placed[..] else { panic!("{placed:?}") };
    let stored = find_order(&connection, careful.id).await.expect("an answer").expect("an order");
    assert_eq!(stored, **careful);

    moves_to(&connection, order.id, "completed", "'ch_1'").await;
    let applied = APPLY.commit(&connection, &[confirmation(order.id)]).await.expect("applied");
    let ended = find_order(&connection, order.id).await.expect("an answer").expect("an order");
    let times: Vec<Timestamp> = ended.timeline().map(|step| step.at).collect();
    assert!(times.is_sorted() && times.len() == 3, "{times:?}");
    let [Applied::Moved(progress)] = &applied[..] else { panic!("moved: {applied:?}") };
    let age: Duration = times[2].duration_since(times[1]).try_into().expect("forward");
    assert_eq!(progress.time_to_end(), Some(age), "the duration comes from the same clock");
    let mut advanced = Order::clone(&order);
    advanced.advance(progress);
    assert_eq!(advanced, ended, "a request that waits shows what a read shows");
    assert_eq!(progress.response, Some(ResponseKind::Terminal), "the transition recorded the response");
    let due = connection
        .query_one("SELECT min(placed_at) FROM charges_due", &[])
        .await
        .expect("an answer")
        .get::<Timestamp>(0)
        .expect("a time");
    assert_eq!(due, order.created_at);
}

#[actix_rt::test]
async fn an_event_that_two_processes_apply_at_the_same_time_is_a_duplicate_for_the_second() {
    let books = Books::open().await;
    let first = books.connection().await;
    let second = books.connection().await;
    let order = place(&first, request("one")).await;
    moves_to(&first, order.id, "completed", "'ch_1'").await;
    let confirmed = confirmation(order.id);
    first.batch_execute("BEGIN").await.expect("begun");
    let applied = apply(&first, std::slice::from_ref(&confirmed)).await;
    assert!(matches!(&applied[..], [Applied::Moved(_)]), "{applied:?}");
    let commit = async {
        books.until_one_waits().await;
        first.batch_execute("COMMIT").await.expect("committed");
    };
    let (applied, ()) = tokio::join!(apply(&second, std::slice::from_ref(&confirmed)), commit);
    assert_eq!(applied, [Applied::Duplicate], "it would become a dead letter although it had its effect");
}

#[actix_rt::test]
async fn a_request_that_looked_before_the_end_answers_with_the_end_once_that_is_the_recorded_answer() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let early = place(&connection, request("one")).await;
    moves_to(&connection, early.id, "declined", "NULL").await;
    let late = find_order(&connection, early.id).await.expect("an answer").expect("an order");
    let shown = record_response(&connection, late).await.expect("recorded");
    assert_eq!((shown.response, shown.status), (Some(ResponseKind::Terminal), OrderStatus::Declined));

    let shown = record_response(&connection, Arc::unwrap_or_clone(early)).await.expect("recorded");

    assert_eq!(
        (shown.response, shown.status),
        (Some(ResponseKind::Terminal), OrderStatus::Declined),
        "both bodies must be the same"
    );
}

#[actix_rt::test]
async fn an_event_that_comes_twice_in_one_batch_moves_its_order_once() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let order = place(&connection, request("one")).await;
    moves_to(&connection, order.id, "completed", "'ch_1'").await;
    let confirmed = confirmation(order.id);
    let twice = [confirmed.clone(), confirmed];
    let applied = apply(&connection, &twice).await;
    assert!(matches!(&applied[..], [Applied::Moved(_), Applied::Duplicate]), "{applied:?}");
    let shown = find_order(&connection, order.id).await.expect("an answer").expect("an order");
    assert_eq!((shown.status, shown.version()), (OrderStatus::Confirmed, 3));
}

#[actix_rt::test]
async fn what_cannot_be_applied_is_told_apart_and_is_not_in_the_inbox() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let pending = place(&connection, request("one")).await;
    let ended = place(&connection, request("two")).await;
    moves_to(&connection, ended.id, "declined", "NULL").await;
    let outcomes = [pending.id, ended.id, Uuid::now_v7()].map(confirmation);
    let expected = vec![
        Applied::Unexpected(OrderStatus::Pending),
        Applied::Unexpected(OrderStatus::Declined),
        Applied::UnknownOrder,
    ];
    assert_eq!(APPLY.commit(&connection, &outcomes).await, Ok(expected));
    let rows: i64 = connection
        .query_one("SELECT count(*) FROM inbox", &[])
        .await
        .expect("an answer")
        .get(0)
        .expect("a count");
    assert_eq!(rows, 0);
}

#[actix_rt::test]
async fn a_second_end_is_refused_by_the_table_itself() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let order = place(&connection, request("one")).await;
    moves_to(&connection, order.id, "completed", "'ch_1'").await;
    let applied = apply(&connection, &[confirmation(order.id)]).await;
    assert!(matches!(&applied[..], [Applied::Moved(_)]), "{applied:?}");
    let again =
        "UPDATE orders SET status = 'refunded', refund_id = 're_1', version = version + 1, ended_at = now()";
    let refused = connection.batch_execute(again).await;
    assert!(
        refused.as_ref().is_err_and(|error| error.violates("orders_version_counts_steps")),
        "{refused:?}"
    );
}

#[actix_rt::test]
async fn orders_of_the_schema_before_keep_their_keys_and_their_history() {
    let test = TestDatabase::create().await;
    let settings = database_settings(test.url());
    db::migrate(&settings, startup::migrations().set_target(Target::Version(2)))
        .await
        .expect("the schema before");
    let database = Database::open("test", &settings).expect("a pool");
    let connection = database.connection().await.expect("a connection");
    let kept = Uuid::now_v7();
    let forgotten = Uuid::now_v7();
    let step = |version, status, second| {
        format!(
            r#"{{"version":{version},"status":"{status}","at":"2026-01-01T00:00:0{second}Z","cause":"x"}}"#
        )
    };
    let timeline =
        format!("[{},{},{}]", step(1, "pending", 1), step(2, "completed", 2), step(3, "confirmed", 3));
    for order in [kept, forgotten] {
        let before = format!(
            "INSERT INTO orders (id, user_id, status, items, total, currency, payment_method, charge_id, version, timeline, traceparent, request_id,
                                 created_at, updated_at)
             VALUES ('{order}', '{}', 'confirmed', '[]', 1, 'EUR', 'tok_ok', 'ch_1', 3, '{timeline}', '', '', '2026-01-01T00:00:01Z', now())",
            Uuid::nil()
        );
        connection.batch_execute(&before).await.expect("an order");
    }
    let key = format!(
        "INSERT INTO idempotency_keys VALUES ('{}', 'one', '\\x01', '{kept}', 'accepted', now())",
        Uuid::nil()
    );
    connection.batch_execute(&key).await.expect("its key");

    db::migrate(&settings, startup::migrations()).await.expect("the schema of today");

    let shown = find_order(&connection, forgotten).await.expect("an answer").expect("an order");
    let seconds: Vec<i64> = shown.timeline().map(|step| step.at.as_second() % 60).collect();
    assert_eq!((shown.status, seconds), (OrderStatus::Confirmed, vec![1, 2, 3]));
    let asked = "SELECT id FROM orders WHERE idempotency_key = 'one' AND answer = 'accepted'";
    assert_eq!(
        connection.query_one(asked, &[]).await.expect("an order").get::<Uuid>(0).expect("an id"),
        kept
    );
}
