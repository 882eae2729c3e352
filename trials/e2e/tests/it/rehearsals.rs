use std::process::Output;

use ctl::{
    stack::{Kind, StackOptions},
    state::{Running, StackState},
};
use serde_json::{Value, json};
use servers::account::scratch_dir;
use tokio::process::Command;

use e2e::{Order, SOON, Shop, eventually, first, service_binaries};

fn with_faults(options: StackOptions) -> StackOptions {
    Kind::ALL.into_iter().fold(options, |options, kind| options.with_env(kind, "FAULTS", "on"))
}

/// Restarts of the consumer, and the last reason.
async fn restarts(shop: &Shop, name: &str) -> (i64, String) {
    let actors = shop.admin.get(Kind::Inventory, "/ops/actors").await.expect(200);
    let actor = actors["actors"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|actor| actor["name"] == name)
        .expect("the actor")
        .clone();
    (
        actor["restarts"].as_i64().expect("a number"),
        actor["last_exit"].as_str().unwrap_or_default().to_owned(),
    )
}

#[tokio::test]
async fn a_consumer_that_is_made_to_panic_is_replaced_and_handles_what_it_held() {
    let shop = Shop::open_with(with_faults).await;
    shop.product("MUG", 10).await;
    let fault = json!({"panic": "consumer", "stream": "order_completed"});
    shop.admin.post(Kind::Inventory, "/ops/faults", &fault).await.expect(202);

    let id = shop.user.order(&Order::of("MUG", 1)).await;

    assert_eq!(shop.user.wait_for_end(&id).await["status"], "confirmed");
    let (count, reason) = restarts(&shop, "order_completed").await;
    assert!(count == 1 && reason.contains("/ops/faults"), "{count} {reason}");
    let recoveries = shop.admin.get(Kind::Inventory, "/ops/recoveries").await.expect(200);
    let ended =
        |recovery: &&Value| recovery["kind"] == "actor_ended" && recovery["name"] == "order_completed";
    let ended = recoveries["data"].as_array().expect("a list").iter().find(ended).expect("a recovery");
    assert!(ended["reason"].as_str().is_some_and(|reason| reason.contains("/ops/faults")), "{ended}");
    shop.assert_stock_adds_up("MUG", 10).await;
}

#[tokio::test]
async fn a_product_actor_that_panics_is_loaded_again_and_only_its_order_is_tried_again() {
    let shop = Shop::open_with(with_faults).await;
    shop.product("MUG", 10).await;
    shop.product("HAT", 10).await;
    let fault = json!({"failpoint": "product.hold", "action": "panic"});
    shop.admin.post(Kind::Inventory, "/ops/faults", &fault).await.expect(202);

    let ids = [shop.user.order(&Order::of("MUG", 1)).await, shop.user.order(&Order::of("HAT", 1)).await];

    for id in &ids {
        assert_eq!(shop.user.wait_for_end(id).await["status"], "confirmed");
    }
    assert_eq!((shop.available("MUG").await, shop.available("HAT").await), (9, 9));
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_500_as_a_problem_and_the_next_request_is_served() {
    let shop = Shop::open_with(with_faults).await;
    shop.admin
        .post(Kind::Payment, "/ops/faults", &json!({"failpoint": "http.handler./orders", "action": "panic"}))
        .await
        .expect(202);
    shop.user.get(Kind::Payment, "/orders").await.problem(500, "internal-error");
    shop.user.get(Kind::Payment, "/orders").await.expect(200);
}

#[tokio::test]
async fn a_process_dies_at_the_failpoint_it_was_armed_for_and_its_commit_is_found_again() {
    let mut shop = Shop::open_with(with_faults).await;
    shop.product("MUG", 10).await;
    shop.admin
        .post(
            Kind::Inventory,
            "/ops/faults",
            &json!({"failpoint": "commit.after.stock", "nth": 1, "action": "kill"}),
        )
        .await
        .expect(202);
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let inventory = first(Kind::Inventory);
    let dead = async || shop.stack.service(inventory).expect("it was started").exit_status();
    eventually("inventory dies", SOON, dead).await;
    shop.stack.restart(inventory).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shop.user.wait_for_end(&id).await["status"], "confirmed");
    shop.assert_stock_adds_up("MUG", 10).await;
}

#[tokio::test]
async fn an_inventory_that_dies_before_its_reply_is_published_gives_it_when_it_is_back() {
    // Without republishing, only the pending entry can bring the reply.
    let patient = |options: StackOptions| {
        let options = with_faults(options).with_env(Kind::Payment, "RESEND_AFTER", "1h");
        options.with_env(Kind::Inventory, "RESEND_AFTER", "1h")
    };
    let mut shop = Shop::open_with(patient).await;
    shop.product("MUG", 10).await;
    // The next event is the reply.
    let heard = async || {
        let metrics = shop.metrics(first(Kind::Payment)).await;
        (metrics.sum("orderflow_stream_messages_total", &["product_changed"]) >= 1.0).then_some(())
    };
    eventually("the product is published, and payment has heard of it", SOON, heard).await;
    let fault = json!({"failpoint": "publish.before", "nth": 1, "action": "kill"});
    shop.admin.post(Kind::Inventory, "/ops/faults", &fault).await.expect(202);
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let inventory = first(Kind::Inventory);
    let dead = async || shop.stack.service(inventory).expect("it was started").exit_status();
    eventually("inventory dies", SOON, dead).await;
    assert_eq!(
        shop.number(Kind::Inventory, "SELECT count(*) FROM inbox").await,
        1,
        "it died after its commit"
    );
    shop.stack.restart(inventory).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shop.user.wait_for_end(&id).await["status"], "confirmed");
    shop.assert_stock_adds_up("MUG", 10).await;
}

#[tokio::test]
async fn nobody_breaks_anything_unless_the_settings_allow_it() {
    let shop = Shop::open().await;
    let fault = json!({"panic": "consumer", "stream": "order_completed"});
    shop.admin.post(Kind::Inventory, "/ops/faults", &fault).await.problem(403, "faults-disabled");
    shop.user.post(Kind::Inventory, "/ops/faults", &fault).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_fault_that_cannot_be_is_refused_with_what_is_wrong_with_it() {
    let shop = Shop::open_with(with_faults).await;
    for wrong in [
        json!({}),
        json!({"panic": "consumer"}),
        json!({"panic": "consumer", "stream": "nonsense"}),
        json!({"panic": "consumer", "stream": "order_completed", "failpoint": "product.hold"}),
        json!({"failpoint": "product.hold", "nth": 0}),
        json!({"failpoint": "product.hold", "action": "explode"}),
    ] {
        shop.admin.post(Kind::Inventory, "/ops/faults", &wrong).await.problem(400, "invalid-request");
    }
}

async fn rehearse(shop: &Shop) -> Output {
    let folder = scratch_dir().expect("a folder");
    let url = |kind| shop.stack.first(kind).expect("it runs").url();
    let running = Running {
        pid: std::process::id(),
        user_url: url(Kind::User),
        inventory_url: url(Kind::Inventory),
        payment_url: url(Kind::Payment),
        console_url: None,
        user_database_url: shop.stack.database_url(Kind::User),
        inventory_database_url: shop.stack.database_url(Kind::Inventory),
        payment_database_url: shop.stack.database_url(Kind::Payment),
        redis_url: shop.stack.redis_url(),
    };
    let state = StackState { credentials: shop.stack.credentials().clone(), running: Some(running) };
    state.write(folder.path()).expect("written");
    let mut command = Command::new(service_binaries().join("shopctl"));
    command
        .args(["rehearse", "--rate", "20", "--time", "20s", "--panics", "4", "--json", "--data-dir"])
        .arg(folder.path());
    command.output().await.expect("it runs")
}

#[tokio::test]
async fn a_rehearsal_on_a_running_shop_sees_every_panic_land_and_every_order_end() {
    let shop = Shop::open_with(with_faults).await;
    let output = rehearse(&shop).await;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect(&said);
    assert_eq!(report["panics"].as_array().map(Vec::len), Some(4), "{said}");
    assert_eq!(report["load"]["open"], 0, "{said}");
    assert_eq!(report["verdict"]["checks"].as_array().map(Vec::len), Some(15), "{said}");
}

#[tokio::test]
async fn a_rehearsal_where_faults_are_off_says_how_to_turn_them_on_and_orders_nothing() {
    let shop = Shop::open().await;
    let output = rehearse(&shop).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("FAULTS=on"), "{said}");
    assert_eq!(shop.number(Kind::Payment, "SELECT count(*) FROM orders").await, 0);
}
