use std::cell::Cell;

use ctl::stack::{Kind, StackOptions};
use nix::sys::signal::Signal;
use reqwest::StatusCode;

use e2e::{Order, SOON, Shop, eventually, first};

async fn terminate_in_the_middle(kind: Kind) {
    let mut shop = Shop::open().await;
    shop.product("MUG", 1000).await;
    let user = shop.user.clone();
    let placed = Cell::new(0);
    let order = Order::of("MUG", 1);
    let load = user.place_many_until_accepted(&order, 300, || placed.set(placed.get() + 1));
    let terminating = async {
        let reached = async || (placed.get() >= 100).then_some(());
        eventually("the load has begun", SOON, reached).await;
        let status = shop.stack.terminate(first(kind)).await.unwrap_or_else(|error| panic!("{error}"));
        let lines = shop.stack.service(first(kind)).expect("it ran").output().tail();
        assert_eq!(status.code(), Some(0), "{lines}");
        assert_eq!(shop.pending(kind).await, 0, "it has acknowledged what it had read\n{lines}");
        shop.stack.restart(first(kind)).await.unwrap_or_else(|error| panic!("{error}"));
    };
    tokio::join!(load, terminating);
    assert_eq!(shop.user.wait_for_all_ends(300).await, [("confirmed".to_owned(), 300)].into());
    shop.assert_stock_adds_up("MUG", 1000).await;
    shop.assert_money_adds_up().await;
    shop.quiet().await;
}

#[tokio::test]
async fn sigterm_of_inventory_in_the_middle_ends_it_well_and_loses_nothing() {
    terminate_in_the_middle(Kind::Inventory).await;
}

#[tokio::test]
async fn sigterm_of_payment_in_the_middle_ends_it_well_and_loses_nothing() {
    terminate_in_the_middle(Kind::Payment).await;
}

#[tokio::test]
async fn sigterm_of_user_in_the_middle_ends_it_well_and_loses_nothing() {
    terminate_in_the_middle(Kind::User).await;
}

#[tokio::test]
async fn after_sigterm_requests_are_still_served_until_load_balancers_have_noticed() {
    let noticed = |options: StackOptions| options.with_env(Kind::Payment, "SHUTDOWN_NOTICE", "20s");
    let shop = Shop::open_with(noticed).await;
    shop.product("MUG", 10).await;
    let payment = shop.stack.first(Kind::Payment).expect("it runs");
    payment.signal(Signal::SIGTERM);
    let ready = format!("{}/readyz", payment.url());
    let not_ready = async || {
        let status = reqwest::get(&ready).await.expect("it still answers").status();
        if status == StatusCode::SERVICE_UNAVAILABLE { Ok(()) } else { Err(status) }
    };
    eventually("it is not ready any more", SOON, not_ready).await;

    let answer = shop.user.order_with(&Order::of("MUG", 1), &[("Idempotency-Key", "late")]).await;

    assert_eq!((answer.status, answer.header("connection")), (202, "close"), "{}", answer.text());
}
