use ctl::stack::Kind;
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};

use e2e::{HttpResponse, Order, SOON, Shop, eventually, first, key, with_settings};

const ADMITTED: usize = 4;
const ASKED: usize = 20;

/// Keeps inserts of orders waiting until it is open. Locks would be given up after a moment.
const GATE: &str = "
    CREATE TABLE gate (open bool);
    INSERT INTO gate VALUES (false);
    CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        WHILE NOT (SELECT open FROM gate) LOOP PERFORM pg_sleep(0.02); END LOOP;
        RETURN NULL;
    END $$;
    CREATE TRIGGER gate BEFORE INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION wait_at_the_gate();";

#[tokio::test]
async fn requests_beyond_the_admission_limit_are_refused_at_once_and_say_when_to_come_back() {
    let shop =
        Shop::open_with(|options| options.with_env(Kind::Payment, "ADMISSION_LIMIT", &ADMITTED.to_string()))
            .await;
    shop.product("MUG", 100).await;
    shop.execute(Kind::Payment, GATE).await;
    let order = Order::of("MUG", 1);
    let ask = async || {
        let key = key();
        shop.user.order_with(&order, &[("Idempotency-Key", &key)]).await
    };

    let mut answers: FuturesUnordered<_> = (0..ASKED).map(|_| ask()).collect();
    for _ in ADMITTED..ASKED {
        let refused = answers.next().await.expect("an answer");
        refused.problem(503, "overloaded");
        assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
    }
    shop.user.get(Kind::Payment, "/livez").await.expect(200);
    shop.execute(Kind::Payment, "UPDATE gate SET open = true").await;
    while let Some(admitted) = answers.next().await {
        admitted.expect(202);
    }

    let refused = shop.metrics(first(Kind::Payment)).await.sum("orderflow_admission_rejected_total", &[]);
    assert_eq!(refused, (ASKED - ADMITTED) as f64);
    shop.user.wait_for_all_ends(ADMITTED).await;
}

#[tokio::test]
async fn no_order_is_taken_while_too_many_wait_to_be_charged_and_all_that_were_taken_end() {
    const BACKLOG: usize = 5;
    let backlog = BACKLOG.to_string();
    // Longer than it takes to place the orders.
    let slow =
        [("CHARGE_BACKLOG", backlog.as_str()), ("PROVIDER_LATENCY", "20s"), ("PROVIDER_TIMEOUT", "60s")];
    let shop = Shop::open_with(|options| with_settings(options, Kind::Payment, &slow)).await;
    shop.product("MUG", 100).await;
    let order = Order::of("MUG", 1);
    for _ in 0..BACKLOG {
        shop.user.order(&order).await;
    }
    let counted = async || {
        let actors = shop.admin.get(Kind::Payment, "/ops/actors").await.expect(200);
        let actors = actors["actors"].as_array().expect("a list");
        let cashier = actors.iter().find(|actor| actor["name"] == "cashier").expect("a cashier");
        if cashier["queue_depth"] == BACKLOG { Ok(()) } else { Err(cashier.clone()) }
    };
    eventually("all wait to be charged", SOON, counted).await;
    let refused = shop.user.order_with(&order, &[("Idempotency-Key", &key())]).await;
    refused.problem(503, "overloaded");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));

    let ends = shop.user.wait_for_all_ends(BACKLOG).await;

    assert_eq!(ends, [("confirmed".to_owned(), BACKLOG)].into());
    shop.user.order(&order).await;
}

#[tokio::test]
async fn fewer_orders_are_taken_once_all_of_them_come_to_their_end_late() {
    const AT_ONCE: usize = 200;
    // Sooner than any order can end.
    let shop = Shop::open_with(|options| options.with_env(Kind::Payment, "LATE_AFTER", "1ms")).await;
    shop.product("MUG", 1_000_000).await;
    let order = Order::of("MUG", 1);
    let ask = async || {
        let key = key();
        shop.user.order_with(&order, &[("Idempotency-Key", &key)]).await
    };
    let refused = async || {
        let answers = join_all((0..AT_ONCE).map(|_| ask())).await;
        let late =
            |answer: &HttpResponse| answer.status == 503 && answer.text().contains("too long to finish");
        answers.into_iter().find(late).ok_or("all were taken")
    };

    let refused = eventually("orders are refused", SOON, refused).await;

    refused.problem(503, "overloaded");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
}
