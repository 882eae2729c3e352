use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use ctl::{
    client_log::{self, ClientLog, Completion, Record},
    load::{Arrivals, Load, LoadPlan, LoadReport, Mix, ServiceUrls as Addresses},
    stack::Kind,
};
use servers::account::scratch_dir;

use e2e::{SOON, Shop, eventually, first};

const HOT_STOCK: u32 = 20;

fn plan(orders: u64, seed: u64) -> LoadPlan {
    let mix = Mix {
        customers: 3,
        products: 5,
        hot: 0.3,
        hot_stock: HOT_STOCK,
        scarce: 0.1,
        several_lines: 0.3,
        odd_methods: 0.02,
    };
    LoadPlan {
        orders: Some(orders),
        time: None,
        arrivals: Arrivals::Workers(8),
        in_flight: 64,
        metered: false,
        follow: true,
        retry: true,
        mix,
        seed,
        patience: 2 * SOON,
    }
}

async fn prepare(shop: &Shop, plan: LoadPlan, log: &Path) -> Load {
    let url = |kind| vec![shop.stack.first(kind).expect("it runs").url()];
    let addresses =
        Addresses { user: url(Kind::User), inventory: url(Kind::Inventory), payment: url(Kind::Payment) };
    let log = ClientLog::append_to(log).expect("a log");
    Load::prepare(addresses, &shop.stack.credentials().admin, plan, log)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn assert_all_ended(report: &LoadReport, orders: u64) {
    let refused: u64 = report.refused.values().sum();
    assert!(report.is_complete() && report.unknown == 0 && report.open == 0, "{report:?}");
    assert_eq!((report.sent, report.accepted + refused), (orders, orders), "{report:?}");
    assert_eq!(report.confirmed + report.refunded + report.declined, report.accepted, "{report:?}");
}

/// The log announces a request before its answer.
fn outcomes(log: &Path) -> BTreeMap<String, Vec<Completion>> {
    let mut sent = BTreeMap::<String, usize>::new();
    let mut outcomes = BTreeMap::<String, Vec<Completion>>::new();
    for record in client_log::read(log).expect("a readable log") {
        match record {
            Record::Send { key, .. } => *sent.entry(key).or_default() += 1,
            Record::Answer { key, outcome, .. } => {
                let answers = outcomes.entry(key.clone()).or_default();
                answers.push(outcome);
                assert!(
                    answers.len() <= sent.get(&key).copied().unwrap_or_default(),
                    "an answer before its request: {key}"
                );
            }
            Record::Seen { .. } | Record::Poison { .. } => {}
        }
    }
    assert_eq!(
        sent.keys().collect::<BTreeSet<_>>(),
        outcomes.keys().collect(),
        "every request has an answer"
    );
    outcomes
}

#[tokio::test]
async fn every_order_ends_the_counts_add_up_and_the_log_announces_every_request() {
    let shop = Shop::open().await;
    let folder = scratch_dir().expect("a folder");
    let log = folder.path().join("client.log");
    let load = prepare(&shop, plan(200, 1), &log).await;

    let report = load.run().await;

    assert_all_ended(&report, 200);
    assert_eq!((report.resets, report.unreached), (0, 0), "{report:?}");
    assert_eq!(
        outcomes(&log).values().filter(|answers| answers.last() == Some(&Completion::Ok)).count(),
        200
    );
    assert_eq!(shop.available(&load.stock().hot).await, 0, "60 orders or so wanted the 20 there were");
    shop.assert_stock_adds_up(&load.stock().hot, HOT_STOCK.into()).await;
    shop.assert_money_adds_up().await;
}

#[tokio::test]
async fn what_was_unknown_when_payment_was_killed_becomes_known_and_nothing_is_stuck() {
    let mut shop = Shop::open().await;
    let folder = scratch_dir().expect("a folder");
    let log = folder.path().join("client.log");
    let load = prepare(&shop, LoadPlan { metered: true, ..plan(300, 2) }, &log).await;
    let stats = load.stats();
    let reached = async |accepted: u64| {
        let look = async || if stats.accepted() >= accepted { Ok(()) } else { Err(stats.accepted()) };
        eventually("enough orders are accepted", SOON, look).await;
    };
    let killing = async {
        load.quota().release(200);
        reached(100).await;
        shop.stack.kill9(first(Kind::Payment)).await.expect("it ran");
        let unknown = async || (stats.unknown() > 0).then_some(());
        eventually("somebody does not know", SOON, unknown).await;
        shop.stack.restart(first(Kind::Payment)).await.unwrap_or_else(|error| panic!("{error}"));
        reached(200).await;
        load.quota().release(100);
    };

    let (report, ()) = tokio::join!(load.run(), killing);

    assert_all_ended(&report, 300);
    assert!(report.retries > 0 && report.unreached + report.resets > 0, "{report:?}");
    let outcomes = outcomes(&log);
    assert_eq!((outcomes.len(), load.quota().released()), (300, 300));
    assert!(
        outcomes.values().all(|answers| answers.last() == Some(&Completion::Ok)),
        "every key became known"
    );
    shop.assert_stock_adds_up(&load.stock().hot, HOT_STOCK.into()).await;
    shop.assert_money_adds_up().await;
}

#[tokio::test]
async fn a_rate_is_kept_for_the_time_that_was_asked_for() {
    let shop = Shop::open().await;
    let folder = scratch_dir().expect("a folder");
    let time = Some(Duration::from_secs(8));
    let arrivals = Arrivals::Rate(25.0);
    let load = prepare(
        &shop,
        LoadPlan { orders: None, time, arrivals, ..plan(0, 3) },
        &folder.path().join("client.log"),
    )
    .await;

    let report = load.run().await;

    assert_all_ended(&report, report.sent);
    // The schedule makes up for pauses of the machine, except for the last one, which may take seconds.
    assert!((80..=201).contains(&(report.sent + report.not_offered)), "{report:?}");
}
