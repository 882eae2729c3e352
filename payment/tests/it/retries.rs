use std::sync::Arc;

use futures_util::future::join_all;
use payment::{actors::ChargeOrders, provider::ProviderError};
use testing::eventually;
use uuid::Uuid;

use crate::shop::{SOON, Shop, away};

const PARKED: &str = "SELECT count(*) FROM refunds_due";
const RETRIED: &str = "SELECT count(*) FROM charges_retried";

fn refused() -> ProviderError {
    ProviderError::Refused("the account is closed".to_owned())
}

#[actix_rt::test]
async fn one_refused_refund_does_not_hold_up_the_others() {
    let shop = Shop::open().await;
    let stuck = shop.paid_order().await;
    let others = [shop.paid_order().await, shop.paid_order().await];
    shop.provider.books().refunds_fail.insert(stuck, away());

    let event = shop.ask_refund(stuck).await;
    for order in others {
        shop.ask_refund(order).await;
    }

    for order in others {
        shop.comes_to(order, "refunded").await;
    }
    shop.stream_is_acknowledged().await;
    shop.comes_to(stuck, "completed").await;
    assert_eq!(shop.count(PARKED).await, 1);
    let inbox = format!("SELECT count(*) FROM inbox WHERE event_id = '{}'", event.id);
    assert_eq!(shop.count(&inbox).await, 1, "its event is processed");
    assert_eq!(
        shop.count("SELECT count(*) FROM outbox").await,
        0,
        "and what it answers is not published again"
    );
}

#[actix_rt::test]
async fn a_refund_that_fails_for_a_while_is_made_later() {
    let shop = Shop::open().await;
    let order = shop.paid_order().await;
    shop.provider.books().refunds_fail.insert(order, away());
    let event = shop.ask_refund(order).await;
    shop.count_becomes("SELECT count(*) FROM refunds_due WHERE attempts > 1", 1).await;

    shop.publish(&event).await;
    shop.stream_is_acknowledged().await;
    assert_eq!(shop.count(PARKED).await, 1, "a repeated event parks nothing else");
    shop.provider.books().refunds_fail.clear();

    let refunded = shop.comes_to(order, "refunded").await;
    assert_eq!(refunded.payment.refund_id, shop.provider.books().refunds.get(&order).cloned());
    assert_eq!((refunded.reason.as_deref(), refunded.version()), (Some("insufficient-stock"), 3));
    shop.count_becomes(PARKED, 0).await;
    shop.publish(&event).await;
    shop.stream_is_acknowledged().await;
    shop.dead_letters(0).await;
    assert_eq!(shop.count("SELECT count(*) FROM inbox").await, 1);
}

#[actix_rt::test]
async fn a_refund_that_is_refused_for_good_becomes_a_dead_letter_and_can_be_redriven() {
    let shop = Shop::open().await;
    let at_once = shop.paid_order().await;
    let later = shop.paid_order().await;
    shop.provider.books().refunds_fail.extend([(at_once, refused()), (later, away())]);
    shop.ask_refund(at_once).await;
    shop.ask_refund(later).await;
    shop.count_becomes(PARKED, 1).await;
    shop.dead_letters(1).await;

    shop.provider.books().refunds_fail.insert(later, refused());

    let letters = shop.dead_letters(2).await;
    assert!(letters.iter().all(|letter| letter.last_error.contains("the account is closed")), "{letters:?}");
    shop.count_becomes(PARKED, 0).await;
    assert_eq!(
        shop.count("SELECT count(*) FROM inbox").await,
        0,
        "an event is in the inbox, or a dead letter"
    );
    assert_eq!(
        shop.count("SELECT count(*) FROM outbox").await,
        2,
        "a Redis that loses its dead letters loses no refund"
    );

    shop.provider.books().refunds_fail.clear();
    for letter in letters {
        shop.letters.redrive(&letter.id).await.expect("redriven");
    }
    shop.comes_to(at_once, "refunded").await;
    shop.comes_to(later, "refunded").await;
    shop.stream_is_acknowledged().await;
    shop.dead_letters(0).await;
}

#[actix_rt::test]
async fn a_refund_that_stays_away_for_too_long_is_given_up() {
    let shop = Shop::open().await;
    let order = shop.paid_order().await;
    shop.provider.books().refunds_fail.insert(order, away());
    shop.ask_refund(order).await;
    shop.count_becomes(PARKED, 1).await;
    let long_ago = "UPDATE refunds_due SET attempts = 23, due_at = now()";
    shop.connection().await.batch_execute(long_ago).await.expect("updated");

    let letters = shop.dead_letters(1).await;

    assert!(letters[0].last_error.contains("gave up after 24 attempts"), "{letters:?}");
    shop.count_becomes(PARKED, 0).await;
}

async fn no_first_charge_in_progress(shop: &Shop) {
    let idle = async || match shop.cashier.status().queue_depth() {
        0 => Ok(()),
        depth => Err(depth),
    };
    eventually("no first charge is in progress", SOON, idle).await;
}

#[actix_rt::test]
async fn twelve_hundred_charges_that_fail_do_not_keep_a_newer_one_from_being_charged() {
    let shop = Shop::open().await;
    let failing: Vec<Uuid> = (0..1200).map(|_| Uuid::now_v7()).collect();
    shop.provider.books().charges_fail.extend(failing.iter().map(|order| (*order, away())));
    join_all(failing.iter().map(|order| shop.place(*order))).await;
    shop.count_becomes("SELECT count(*) FROM charges_retried WHERE attempts > 0", 1200).await;
    shop.count_becomes("SELECT count(*) FROM charges_due", 0).await;
    no_first_charge_in_progress(&shop).await;

    let newer = Uuid::now_v7();
    let forgotten = Uuid::now_v7();
    shop.place_and_forget(forgotten).await;
    let asked = shop.provider.books().asked.values().sum::<usize>();
    let began = std::time::Instant::now();
    shop.place(newer).await;
    shop.comes_to(newer, "completed").await;
    shop.comes_to(forgotten, "completed").await;

    let asked = shop.provider.books().asked.values().sum::<usize>() - asked;
    let allowed = 64 + 100 * (1 + began.elapsed().as_secs() as usize) + 2; // in progress, at the rate, and the two new ones
    assert!(asked <= allowed, "asked {asked} times; no more than {allowed} in that time");
    shop.count_becomes(RETRIED, 1200).await;
}

#[actix_rt::test]
async fn charges_that_fail_do_not_close_the_shop() {
    let shop = Shop::open().await;
    let failing: Vec<Uuid> = (0..200).map(|_| Uuid::now_v7()).collect();
    shop.provider.books().charges_fail.extend(failing.iter().map(|order| (*order, away())));
    join_all(failing.iter().map(|order| shop.place(*order))).await;
    shop.count_becomes(RETRIED, 200).await;

    shop.count_becomes("SELECT count(*) FROM charges_retried WHERE attempts > 1", 200).await;
    assert!(!shop.backlog.is_full());
    no_first_charge_in_progress(&shop).await;

    shop.provider.books().charges_fail.clear();
    for order in failing {
        shop.comes_to(order, "completed").await;
    }
    shop.count_becomes(RETRIED, 0).await;
}

#[actix_rt::test]
async fn a_charge_that_is_refused_for_good_declines_its_order() {
    let shop = Shop::open().await;
    let order = Uuid::now_v7();
    shop.provider.books().charges_fail.insert(order, refused());
    shop.place(order).await;
    let declined = shop.comes_to(order, "declined").await;
    assert_eq!(declined.reason.as_deref(), Some("the account is closed"));
}

#[actix_rt::test]
async fn a_charge_found_after_a_decline_is_refunded() {
    let shop = Shop::open().await;
    let order = shop.place_and_forget(Uuid::now_v7()).await;
    let decline = format!(
        "UPDATE orders SET status = 'declined', version = 2, settled_at = now() WHERE id = '{}'",
        order.id
    );
    shop.connection().await.batch_execute(&decline).await.expect("declined");

    let id = order.id;
    shop.cashier.tell(ChargeOrders(vec![Arc::new(order)])).expect("a cashier");

    let look = async || shop.provider.books().refunds.get(&id).cloned();
    eventually("the money goes back", SOON, look).await;
    shop.count_becomes(PARKED, 0).await;
    assert!(shop.provider.books().charges.contains_key(&id));
    shop.comes_to(id, "declined").await;
}
