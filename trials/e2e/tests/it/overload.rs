use ctl::stack::{Kind, StackOptions};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use tokio_postgres::NoTls;

use e2e::{Order, SOON, Shop, eventually, first, key};

const ADMITTED: usize = 4;
const ASKED: usize = 20;

#[tokio::test]
async fn requests_beyond_the_admission_limit_are_refused_at_once_and_say_when_to_come_back() {
    let shop =
        Shop::open_with(|options| options.with_env(Kind::Payment, "ADMISSION_LIMIT", &ADMITTED.to_string()))
            .await;
    shop.product("MUG", 100).await;
    let (mut client, connection) =
        tokio_postgres::connect(&shop.stack.database_url(Kind::Payment), NoTls).await.expect("a connection");
    let order = Order::of("MUG", 1);
    let ask = async || {
        let key = key();
        shop.user.order_with(&order, &[("Idempotency-Key", &key)]).await
    };
    let flood = async {
        // Makes admitted requests wait.
        let lock = client.transaction().await.expect("a transaction");
        lock.batch_execute("LOCK TABLE orders IN EXCLUSIVE MODE").await.expect("locked");
        let mut answers: FuturesUnordered<_> = (0..ASKED).map(|_| ask()).collect();
        for _ in ADMITTED..ASKED {
            let refused = answers.next().await.expect("an answer");
            refused.problem(503, "overloaded");
            assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
        }
        shop.user.get(Kind::Payment, "/livez").await.expect(200);
        lock.rollback().await.expect("unlocked");
        while let Some(admitted) = answers.next().await {
            admitted.expect(202);
        }
        drop(client);
    };
    _ = tokio::join!(flood, connection);
    let refused = shop.metrics(first(Kind::Payment)).await.sum("orderflow_admission_rejected_total", &[]);
    assert_eq!(refused, (ASKED - ADMITTED) as f64);
    shop.user.wait_for_all_ends(ADMITTED).await;
}

#[tokio::test]
async fn no_order_is_taken_while_too_many_wait_to_be_charged_and_all_that_were_taken_end() {
    const BACKLOG: usize = 5;
    let slow = |options: StackOptions| {
        let options = options.with_env(Kind::Payment, "CHARGE_BACKLOG", &BACKLOG.to_string());
        options.with_env(Kind::Payment, "PROVIDER_LATENCY", "1s").with_env(
            Kind::Payment,
            "PROVIDER_TIMEOUT",
            "5s",
        )
    };
    let shop = Shop::open_with(slow).await;
    shop.product("MUG", 100).await;
    let order = Order::of("MUG", 1);
    for _ in 0..BACKLOG {
        shop.user.order(&order).await;
    }
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
        answers.into_iter().find(|answer| answer.status == 503).ok_or("all were taken")
    };

    let refused = eventually("orders are refused", SOON, refused).await;

    let problem = refused.problem(503, "overloaded");
    assert!(
        problem["detail"].as_str().is_some_and(|detail| detail.contains("too long to finish")),
        "{problem}"
    );
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
}
