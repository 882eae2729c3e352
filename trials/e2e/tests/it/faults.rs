use std::cell::Cell;

use ctl::stack::{Kind, StackOptions};
use serde_json::json;

use e2e::{Order, SOON, Shop, eventually, first};

async fn reached(placed: &Cell<usize>, count: usize) {
    let look = async || if placed.get() >= count { Ok(()) } else { Err(placed.get()) };
    eventually("enough orders are placed", SOON, look).await;
}

/// 500 orders of a stock of 400.
async fn kill_in_the_middle(kind: Kind) {
    let mut shop = Shop::open().await;
    shop.product("MUG", 400).await;
    let user = shop.user.clone();
    let placed = Cell::new(0);
    let order = Order::of("MUG", 1);
    let load = user.place_many_until_accepted(&order, 500, || placed.set(placed.get() + 1));
    let killing = async {
        for count in [150, 300] {
            reached(&placed, count).await;
            shop.stack.kill9(first(kind)).await.expect("it ran");
            shop.stack.restart(first(kind)).await.unwrap_or_else(|error| panic!("{error}"));
        }
    };
    tokio::join!(load, killing);

    let ends = shop.user.wait_for_all_ends(500).await;

    assert_eq!(ends, [("confirmed".to_owned(), 400), ("refunded".to_owned(), 100)].into());
    shop.assert_stock_adds_up("MUG", 400).await;
    shop.assert_money_adds_up().await;
    shop.quiet().await;
}

#[tokio::test]
async fn kill_9_of_inventory_in_the_middle_of_five_hundred_orders_loses_and_doubles_nothing() {
    kill_in_the_middle(Kind::Inventory).await;
}

#[tokio::test]
async fn kill_9_of_payment_in_the_middle_of_five_hundred_orders_loses_and_doubles_nothing() {
    kill_in_the_middle(Kind::Payment).await;
}

#[tokio::test]
async fn orders_are_taken_while_inventory_is_down_and_settled_when_it_is_back() {
    let mut shop = Shop::open().await;
    shop.product("MUG", 10).await;
    shop.stack.kill9(first(Kind::Inventory)).await.expect("it ran");
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let completed = async || {
        let order = shop.user.show(&id).await;
        if order["status"] == "completed" { Ok(()) } else { Err(order) }
    };
    eventually("it is paid", SOON, completed).await;
    shop.stack.restart(first(Kind::Inventory)).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shop.user.wait_for_end(&id).await["status"], "confirmed");
}

#[tokio::test]
async fn tokens_are_verified_while_the_user_service_is_down() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let fresh = shop.another_user().await;
    shop.stack.kill9(first(Kind::User)).await.expect("it ran");
    // A token that is new to both services.
    let id = fresh.order(&Order::of("MUG", 1)).await;
    assert_eq!(fresh.wait_for_end(&id).await["status"], "confirmed");
    fresh.get(Kind::Inventory, "/products/MUG").await.expect(200);
}

#[tokio::test]
async fn a_poison_message_reaches_the_dead_letters_and_a_redrive_brings_it_through() {
    // Without republishing, only the redrive can publish the event.
    let slow = |options: StackOptions| {
        let options = options.with_env(Kind::Payment, "RESEND_AFTER", "1h").with_env(
            Kind::Inventory,
            "DELIVERY_LIMIT",
            "3",
        );
        options.with_env(Kind::Payment, "RECONCILE_AFTER", "1h")
    };
    let shop = Shop::open_with(slow).await;
    shop.product("CURSED", 10).await;
    shop.product("MUG", 10).await;
    let curse = "CREATE FUNCTION curse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the ledger is cursed'; END $$;
                 CREATE TRIGGER curse BEFORE INSERT ON stock_ledger FOR EACH ROW WHEN (NEW.sku = 'CURSED') EXECUTE FUNCTION curse();";
    shop.execute(Kind::Inventory, curse).await;
    let cursed = shop.user.order(&Order::of("CURSED", 1)).await;
    let healthy = shop.user.order(&Order::of("MUG", 1)).await;
    assert_eq!(shop.user.wait_for_end(&healthy).await["status"], "confirmed", "its neighbours are settled");

    let look = async || {
        let letters = shop.admin.all(Kind::Inventory, "/ops/dead-letters?stream=order_completed", 10).await;
        if letters.len() == 1 { Ok(letters[0].clone()) } else { Err(letters) }
    };
    let letter = eventually("the dead letter is there", SOON, look).await;
    assert_eq!((&letter["reason"], &letter["deliveries"]), (&json!("delivery-limit"), &json!(3)), "{letter}");
    for error in ["first_error", "last_error"] {
        assert!(letter[error].as_str().is_some_and(|text| text.contains("the ledger is cursed")), "{letter}");
    }
    assert_eq!(letter["event"]["data"]["order_id"], cursed);
    assert_eq!(shop.user.show(&cursed).await["status"], "completed");
    assert_eq!(shop.available("CURSED").await, 10, "what was held in memory is given back");

    shop.execute(Kind::Inventory, "DROP TRIGGER curse ON stock_ledger").await;
    let path = format!("/ops/dead-letters/{}/redrive", letter["id"].as_str().expect("an id"));
    shop.admin.post(Kind::Inventory, &path, &json!({})).await.expect(200);
    assert_eq!(shop.user.wait_for_end(&cursed).await["status"], "confirmed");
    shop.admin.post(Kind::Inventory, &path, &json!({})).await.problem(404, "not-found");
    shop.assert_stock_adds_up("CURSED", 10).await;
    assert!(shop.admin.all(Kind::Inventory, "/ops/dead-letters", 10).await.is_empty());
}
