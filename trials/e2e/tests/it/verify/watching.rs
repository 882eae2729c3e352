//! `shopctl verify --watch`, on a shop that is broken by hand and on servers that go away.

use ctl::stack::Kind;
use e2e::{Order, SOON, Shop, Verifier, eventually, key, with_verdict};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::Scene;
use super::breaks::{Break, breaks};

/// What the watch judges.
const WATCHED: [&str; 10] = ["I1", "I2", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I12"];
/// Quick, and with no grace for a changed product.
const QUICK: [&str; 4] = ["--interval", "600ms", "--catalogue-delay", "1ms"];

async fn until(verifier: &Verifier, what: &str, verdict: &str, ids: &[&str]) -> Value {
    let look = async || {
        let verdicts = verifier.verdicts().await;
        if with_verdict(&verdicts, verdict) == ids { Ok(verdicts) } else { Err(verdicts) }
    };
    eventually(what, SOON, look).await
}

async fn until_all_hold(verifier: &Verifier, what: &str) {
    until(verifier, what, "ok", &WATCHED).await;
}

#[tokio::test]
async fn a_watch_finds_what_is_broken_by_hand_names_it_and_sees_it_mended() {
    let scene = Scene::set().await;
    let verifier = Verifier::start(&scene.shop.stack, &QUICK).await;
    until_all_hold(&verifier, "the sound shop holds").await;
    for case in breaks(&scene).await.iter().filter(|case| !case.red_without_log.is_empty()) {
        scene.shop.execute(case.kind, &case.how).await;
        let verdicts = until(&verifier, case.name, "broken", case.red_without_log).await;
        assert_named(case, &verdicts);
        let metrics = verifier.metrics().await;
        for id in case.red_without_log {
            let label = format!("invariant=\"{id}\"");
            assert_eq!(metrics.sum("orderflow_invariant_broken", &[&label]), 1.0, "{}", metrics.text());
        }
        scene.shop.execute(case.kind, &case.mend).await;
        until_all_hold(&verifier, "it holds again").await;
    }
    assert_eq!(verifier.metrics().await.sum("orderflow_invariant_broken", &[]), 0.0);
    let history = verifier.verdicts().await["history"].as_array().expect("a list").len();
    assert!((30..=100).contains(&history), "{history} changes");
    the_watch_finds_a_lost_event(&scene, &verifier).await;
}

#[track_caller]
fn assert_named(case: &Break, verdicts: &Value) {
    for invariant in verdicts["invariants"].as_array().expect("a list") {
        let findings = invariant["findings"].to_string();
        let is_red = invariant["verdict"] == "broken";
        assert!(!is_red || findings.contains(&case.offender), "{}: {findings}", case.name);
    }
}

/// A partition without a reader, whose group counts all entries as acknowledged.
async fn the_watch_finds_a_lost_event(scene: &Scene, verifier: &Verifier) {
    let event = key();
    let entry = json!({"id": event}).to_string();
    scene.shop.redis_command::<String>(&["XADD", "order_completed.7", "*", "event", &entry]).await;
    let group = ["XGROUP", "CREATE", "order_completed.7", "inventory-group", "$"];
    scene.shop.redis_command::<String>(&group).await;
    let verdicts = until(verifier, "the event is lost", "broken", &["I7"]).await;
    assert!(verdicts["invariants"][6]["findings"].to_string().contains(&event), "{verdicts:#}");
}

#[tokio::test]
async fn a_watch_of_a_busy_shop_finds_nothing_and_follows_its_orders_to_their_end() {
    let shop = Shop::open().await;
    shop.product("MUG", 150).await;
    let verifier = Verifier::start(&shop.stack, &["--interval", "400ms"]).await;
    shop.user.place_many_until_accepted(&Order::of("MUG", 1), 300, || {}).await;
    shop.user.wait_for_all_ends(300).await;
    let all_checked = async || {
        let verdicts = verifier.verdicts().await;
        let is_done = verdicts["orders_checked"].as_u64() >= Some(300) && verdicts["open_orders"] == 0;
        if is_done && with_verdict(&verdicts, "ok") == WATCHED { Ok(verdicts) } else { Err(verdicts) }
    };
    let verdicts = eventually("all orders are checked", SOON, all_checked).await;
    let was_broken = |change: &Value| change["verdict"] == "broken";
    assert!(!verdicts["history"].as_array().expect("a list").iter().any(was_broken), "{verdicts:#}");
}

#[tokio::test]
async fn a_watch_outlives_its_servers_says_unknown_meanwhile_and_ends_at_sigterm() {
    let mut shop = Shop::open_on_private_servers().await;
    shop.product("MUG", 10).await;
    let verifier = Verifier::start(&shop.stack, &QUICK).await;
    until_all_hold(&verifier, "it holds").await;

    shop.redis().kill().await;
    let verdicts = until(&verifier, "streams are unknown", "unknown", &["I7"]).await;
    assert!(verdicts["invariants"][6]["why"].to_string().contains("Redis"), "{verdicts:#}");
    shop.redis().restart().await.expect("a restart");
    until_all_hold(&verifier, "it holds with Redis").await;

    shop.stack.postgres().expect("private").kill().await;
    until(&verifier, "all is unknown", "unknown", &WATCHED).await;
    assert_eq!(verifier.page("/healthz").await.0, 200, "it looks on");
    assert_eq!(with_verdict(&verifier.verdicts().await, "broken"), [""; 0]);
    shop.stack.postgres().expect("private").restart().await.expect("a restart");
    until_all_hold(&verifier, "it holds with PostgreSQL").await;

    let id = shop.user.place_until_accepted(&Order::of("MUG", 1)).await;
    shop.user.wait_for_end(&id).await;
    shop.execute(Kind::Inventory, "UPDATE products SET on_hand = on_hand + 1").await;
    until(&verifier, "it sees again", "broken", &["I1"]).await;

    let pid = Pid::from_raw(i32::try_from(verifier.pid()).expect("a pid"));
    kill(pid, Signal::SIGTERM).expect("a signal");
    assert_eq!(verifier.ended().await, Some(0));
}
