use ctl::stack::{Kind, ServiceId, StackOptions};
use tokio_postgres::NoTls;

use e2e::{Client, Order, SOON, Shop, eventually, first};

const ORDERS: usize = 20;

#[tokio::test]
async fn a_second_inventory_claims_what_the_killed_one_held() {
    // Without republishing, only a claim can complete the held entries.
    let slow = |options: StackOptions| options.with_env(Kind::Payment, "RESEND_AFTER", "1h");
    let mut shop = Shop::open_with(slow).await;
    shop.product("MUG", 100).await;
    // Blocks every reservation.
    let (mut client, connection) = tokio_postgres::connect(&shop.stack.database_url(Kind::Inventory), NoTls)
        .await
        .expect("a connection");
    let holding = async {
        let lock = client.transaction().await.expect("a transaction");
        lock.batch_execute("LOCK TABLE products, stock_ledger IN EXCLUSIVE MODE").await.expect("locked");
        place_and_wait_until_held(&shop, ORDERS).await;
        shop.stack.kill9(first(Kind::Inventory)).await.expect("it ran");
        lock.rollback().await.expect("unlocked");
        drop(client);
    };
    _ = tokio::join!(holding, connection);

    // Of an entry that becomes idle just then, the owner is unknown.
    let idle = async || {
        let pending = ["XPENDING", "order_completed", "inventory-group"];
        let [all, idle] =
            [[].as_slice(), &["IDLE", "2000"]].map(|filter| [&pending, filter, &["-", "+", "100"]].concat());
        let all: Vec<redis::Value> = shop.redis_command(&all).await;
        let idle: Vec<redis::Value> = shop.redis_command(&idle).await;
        if all.len() == idle.len() { Ok(()) } else { Err((all, idle)) }
    };
    eventually("all that it held is idle", SOON, idle).await;
    let second = shop.stack.start_service_with(Kind::Inventory, &[("CONSUMER_NAME", "second")]).await;
    let second = second.unwrap_or_else(|error| panic!("{error}"));

    assert_eq!(second, ServiceId { kind: Kind::Inventory, instance: 2 });
    assert_eq!(shop.user.wait_for_all_ends(ORDERS).await, [("confirmed".to_owned(), ORDERS)].into());
    let claimed = shop.metrics(second).await.sum("orderflow_stream_reclaimed_total", &["order_completed"]);
    assert!(claimed >= 1.0, "{claimed} entries claimed");
    let url = shop.stack.service(second).expect("it was started").url();
    let admin = Client::new([url.clone(), url.clone(), url]).with_token(shop.admin.token());
    let recoveries = admin.all(Kind::Inventory, "/ops/recoveries", 100).await;
    let claim = recoveries.iter().find(|recovery| recovery["kind"] == "entries_claimed").expect("a recovery");
    assert_eq!((claim["consumer"].as_str(), claim["from"].is_string()), (Some("second"), true), "{claim}");
    assert!(claim["idle_seconds"].as_f64() > Some(0.0), "{claim}");
    let acknowledged = async || match shop.pending(Kind::Inventory).await {
        0 => Ok(()),
        pending => Err(pending),
    };
    eventually("all is acknowledged", SOON, acknowledged).await;
    shop.assert_stock_adds_up("MUG", 100).await;
}

async fn place_and_wait_until_held(shop: &Shop, orders: usize) {
    for _ in 0..orders {
        shop.user.order(&Order::of("MUG", 1)).await;
    }
    let held = async || match shop.pending(Kind::Inventory).await {
        0 => Err("nothing is pending"),
        _ => Ok(()),
    };
    eventually("inventory holds events", SOON, held).await;
}

#[tokio::test]
async fn two_instances_of_inventory_share_the_work_and_sell_nothing_twice() {
    let mut shop = Shop::open().await;
    shop.product("RARE", 150).await;
    let second = shop.stack.start_service_with(Kind::Inventory, &[("CONSUMER_NAME", "second")]).await;
    second.unwrap_or_else(|error| panic!("{error}"));
    shop.user.place_many_until_accepted(&Order::of("RARE", 1), 300, || {}).await;
    let ends = shop.user.wait_for_all_ends(300).await;
    assert_eq!(ends, [("confirmed".to_owned(), 150), ("refunded".to_owned(), 150)].into());
    shop.assert_stock_adds_up("RARE", 150).await;
    shop.assert_money_adds_up().await;
}
