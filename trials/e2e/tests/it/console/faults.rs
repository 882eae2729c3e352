//! Break something, and the feed that tells of it.

use ctl::stack::{Kind, StackOptions};
use e2e::{Order, SOON, Shop, eventually};
use reqwest::Method;
use serde_json::json;

use super::Console;

#[tokio::test]
async fn a_broken_consumer_shows_in_the_live_feed() {
    let faults = |options: StackOptions| options.with_env(Kind::Inventory, "FAULTS", "on");
    let shop = Shop::open_with(faults).await;
    shop.product("MUG", 10).await;
    let console = Console::start(&shop).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    browser.page("/faults").await;
    let fault =
        [("service", "inventory"), ("instance", "1"), ("fault", "panic-consumer"), ("at", "order_completed")];
    let broken = browser.submit("/faults", &fault).await;
    assert_eq!(broken.status, 303, "{}", broken.text());

    let mut live = browser.request(Method::GET, "/streams/live").send().await.expect("an answer");
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let mut seen = String::new();
    while !(seen.contains("event: feed") && seen.contains("panic")) {
        let chunk = tokio::time::timeout(SOON, live.chunk()).await.expect("the feed goes on");
        seen.push_str(&String::from_utf8_lossy(&chunk.expect("open").expect("more")));
    }
    shop.user.wait_for_end(&id).await;
    assert!(browser.page("/streams").await.contains("a fresh one follows"));
    assert!(browser.page(&format!("/orders/{id}")).await.contains("<b>confirmed</b>"));
}

#[tokio::test]
async fn what_redis_holds_is_lost_at_a_button_and_every_order_ends() {
    let faults = |options: StackOptions| {
        let options =
            Kind::ALL.into_iter().fold(options, |options, kind| options.with_env(kind, "FAULTS", "on"));
        options.with_env(Kind::Inventory, "DELIVERY_LIMIT", "1000")
    };
    let shop = Shop::open_with(faults).await;
    shop.product("MUG", 20).await;
    let console = Console::start(&shop).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    // The events stay with inventory, so that there is something to lose.
    let curse = "CREATE FUNCTION curse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not yet'; END $$;
                 CREATE TRIGGER curse BEFORE INSERT ON stock_ledger FOR EACH ROW EXECUTE FUNCTION curse();";
    shop.execute(Kind::Inventory, curse).await;
    for _ in 0..5 {
        shop.user.order(&Order::of("MUG", 1)).await;
    }
    let held = async || {
        let pending = shop.pending(Kind::Inventory).await;
        if pending == 5 { Ok(()) } else { Err(pending) }
    };
    eventually("inventory holds the events", SOON, held).await;
    assert!(!browser.page("/streams").await.contains("went out again"));

    assert!(browser.page("/faults").await.contains("Lose what Redis holds"));
    let lost = browser.submit("/faults/lose-streams", &[]).await;
    assert_eq!((lost.status, lost.header("location")), (303, "/console/streams"), "{}", lost.text());
    let mut live = browser.request(Method::GET, "/streams/live").send().await.expect("an answer");
    let mut seen = String::new();
    while !seen.contains("went out again") {
        let chunk = tokio::time::timeout(SOON, live.chunk()).await.expect("the feed goes on");
        seen.push_str(&String::from_utf8_lossy(&chunk.expect("open").expect("more")));
    }
    assert!(seen.contains("the whole outbox is checked"), "{seen}");

    shop.execute(Kind::Inventory, "DROP TRIGGER curse ON stock_ledger").await;
    for _ in 0..5 {
        shop.user.order(&Order::of("MUG", 1)).await;
    }
    assert_eq!(shop.user.wait_for_all_ends(10).await, [("confirmed".to_owned(), 10)].into());
    shop.assert_stock_adds_up("MUG", 20).await;
    shop.assert_money_adds_up().await;
    let nothing = shop.admin.post(Kind::User, "/ops/faults", &json!({"lose": "streams"})).await;
    nothing.problem(404, "not-found");
}
