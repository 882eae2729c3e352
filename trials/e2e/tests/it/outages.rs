use std::cell::Cell;

use ctl::stack::Kind;
use serde_json::{Value, json};

use e2e::{Order, SOON, Shop, eventually, key, with_limits};

#[tokio::test]
async fn flushall_in_the_middle_loses_no_order() {
    let shop = Shop::open().await;
    shop.product("MUG", 1000).await;
    let placed = Cell::new(0);
    let order = Order::of("MUG", 1);
    let load = shop.user.place_many_until_accepted(&order, 400, || placed.set(placed.get() + 1));
    let flushing = async {
        for count in [100, 200, 300, 400] {
            let reached = async || (placed.get() >= count).then_some(());
            eventually("enough orders are placed", SOON, reached).await;
            shop.redis_command::<()>(&["FLUSHALL"]).await;
        }
    };
    tokio::join!(load, flushing);
    assert_eq!(shop.user.wait_for_all_ends(400).await, [("confirmed".to_owned(), 400)].into());
    shop.assert_stock_adds_up("MUG", 1000).await;
    shop.assert_money_adds_up().await;
    shop.quiet().await;
}

/// The recoveries of payment tell that `server` was started anew, which is no failover.
async fn told_of_a_start(shop: &Shop, server: &str) {
    let start = json!({"kind": "server_replaced", "server": server, "failover": false});
    let told = async || {
        let told = shop.admin.all(Kind::Payment, "/ops/recoveries", 100).await;
        let is_it = |recovery: &Value| {
            start.as_object().is_some_and(|start| start.iter().all(|(name, value)| recovery[name] == *value))
        };
        if told.iter().any(is_it) { Ok(()) } else { Err(Value::from(told).to_string()) }
    };
    eventually("a recovery tells of the start", SOON, told).await;
}

#[tokio::test]
async fn orders_are_taken_while_redis_is_down_and_settled_when_it_is_back() {
    let mut shop = Shop::open().await;
    shop.product("MUG", 10).await;
    shop.redis().stop().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(shop.user.order(&Order::of("MUG", 1)).await);
    }
    for id in &ids {
        let paid = async || {
            let order = shop.user.show(id).await;
            if order["status"] == "completed" { Ok(()) } else { Err(order) }
        };
        eventually("it is paid", SOON, paid).await;
    }
    shop.redis().restart().await.expect("a restart");
    assert_eq!(shop.user.wait_for_all_ends(5).await, [("confirmed".to_owned(), 5)].into());
    told_of_a_start(&shop, "Redis").await;
    shop.assert_stock_adds_up("MUG", 10).await;
    let ended =
        shop.stack.services().find_map(|service| service.exit_status().map(|status| (service.id(), status)));
    assert_eq!(ended, None, "no service has given up");
}

#[tokio::test]
async fn without_postgresql_the_answer_is_503_and_all_is_well_again_afterwards() {
    let mut shop = Shop::open_on_private_servers_with(with_limits).await;
    shop.product("MUG", 10).await;
    let before = shop.user.order(&Order::of("MUG", 1)).await;
    shop.user.wait_for_end(&before).await;

    shop.stack.postgres().expect("private").kill().await;

    let order_key = key();
    let headers = [("Idempotency-Key", order_key.as_str())];
    let refused = shop.user.order_with(&Order::of("MUG", 1), &headers).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds >= 1));
    assert_eq!(shop.user.get_once(Kind::Payment, "/orders").await.status, 503);
    assert_eq!(shop.user.get_once(Kind::Inventory, "/products").await.status, 503);
    for kind in Kind::ALL {
        let unready = async || {
            let answer = shop.user.get(kind, "/readyz").await;
            if answer.status == 503 { Ok(answer.json()) } else { Err(answer.text()) }
        };
        let readiness: Value = eventually("/readyz says what is missing", SOON, unready).await;
        assert_ne!(readiness["checks"]["database"], "ok", "{readiness}");
        assert_eq!(shop.user.get(kind, "/livez").await.status, 200);
    }

    shop.stack.postgres().expect("private").restart().await.expect("a restart");

    let id = shop.user.place_until_accepted(&Order::of("MUG", 1)).await;
    assert_eq!(shop.user.wait_for_end(&id).await["status"], "confirmed");
    let again = async || {
        let answer = shop.user.order_with(&Order::of("MUG", 1), &headers).await;
        if answer.status == 202 { Ok(answer.json()) } else { Err(answer.text()) }
    };
    let retried = eventually("the refused order is taken under its key", SOON, again).await;
    shop.user.wait_for_end(retried["id"].as_str().expect("an id")).await;
    shop.user.wait_for_all_ends(3).await;
    for kind in Kind::ALL {
        let ready = async || (shop.user.get(kind, "/readyz").await.status == 200).then_some(());
        eventually("it is ready again", SOON, ready).await;
    }
    let ended =
        shop.stack.services().find_map(|service| service.exit_status().map(|status| (service.id(), status)));
    assert_eq!(ended, None, "no service has given up");
}

#[tokio::test]
async fn kill_9_of_postgresql_under_load_loses_and_doubles_nothing() {
    let mut shop = Shop::open_on_private_servers().await;
    shop.product("MUG", 1000).await;
    let user = shop.user.clone();
    let placed = Cell::new(0);
    let order = Order::of("MUG", 1);
    let load = user.place_many_until_accepted(&order, 300, || placed.set(placed.get() + 1));
    let killing = async {
        for count in [80, 180] {
            let reached = async || (placed.get() >= count).then_some(());
            eventually("enough orders are placed", SOON, reached).await;
            let postgres = shop.stack.postgres().expect("private");
            postgres.kill().await;
            postgres.restart().await.expect("a restart");
        }
    };
    tokio::join!(load, killing);
    let settled = async || {
        // 503 until the pools have noticed.
        let answer = shop.user.get_once(Kind::Payment, "/orders?limit=1").await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    };
    eventually("payment has its database again", SOON, settled).await;
    told_of_a_start(&shop, "PostgreSQL").await;
    assert_eq!(shop.user.wait_for_all_ends(300).await, [("confirmed".to_owned(), 300)].into());
    shop.assert_stock_adds_up("MUG", 1000).await;
    shop.assert_money_adds_up().await;
}
