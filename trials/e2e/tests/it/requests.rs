use std::path::PathBuf;

use chaos::requests::{
    Caller, Customer, Phase, Poison, client_gone, hold_all_connections, one_key_fifty_times, redrive_once,
    send_poison, too_large,
};
use ctl::{
    api::{Api, Endpoints},
    client_log::{ClientLog, Completion, Record, read},
    stack::{Kind, StackOptions},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use e2e::{Order, SOON, Shop, eventually, key, with_limits};

struct Stage {
    shop: Shop,
    caller: Caller,
    log: ClientLog,
    log_file: PathBuf,
    _folder: TempDir,
}

impl Stage {
    async fn set(change: impl FnOnce(StackOptions) -> StackOptions) -> Self {
        let shop = Shop::open_with(change).await;
        shop.product("MUG", 100).await;
        let folder = tempfile::tempdir().expect("a folder");
        let log_file = folder.path().join("client.log");
        let log = ClientLog::append_to(&log_file).expect("a log");
        let account = shop.user.get(Kind::User, "/auth/user").await.expect(200);
        let id = account["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let caller =
            Caller::new(Customer { id, token: shop.user.token().to_owned() }, log.clone()).expect("a client");
        Self { shop, caller, log, log_file, _folder: folder }
    }

    fn payment(&self) -> Vec<String> {
        let instances = self.shop.stack.services().filter(|service| service.id().kind == Kind::Payment);
        instances.map(|service| service.url()).collect()
    }

    fn admin(&self) -> Api {
        let url = |kind| self.shop.stack.first(kind).expect("it runs").url();
        let endpoints =
            Endpoints { user: url(Kind::User), inventory: url(Kind::Inventory), payment: url(Kind::Payment) };
        Api::new(endpoints).expect("a client").with_token(self.shop.admin.token())
    }

    async fn orders(&self) -> i64 {
        self.shop.number(Kind::Payment, "SELECT count(*) FROM orders").await
    }

    fn records(&self) -> Vec<Record> {
        read(&self.log_file).expect("a client log")
    }
}

fn mug() -> Value {
    json!({"items": [{"sku": "MUG", "quantity": 1}]})
}

#[tokio::test]
async fn one_key_fifty_times_over_two_instances_is_one_order() {
    let mut stage = Stage::set(|options| options).await;
    stage.shop.stack.start_service(Kind::Payment).await.expect("a second instance");
    let payment = stage.payment();
    assert_eq!(payment.len(), 2);
    let found = one_key_fifty_times(&stage.caller, &payment, &mug(), &key()).await.expect("known");
    assert!(found.is_one_order(), "{found:?}");
    assert_eq!(found.statuses.values().sum::<u32>(), 50);
    assert_eq!(stage.orders().await, 1);
    let records = stage.records();
    let (sent, answered): (Vec<_>, Vec<_>) =
        records.iter().partition(|record| matches!(record, Record::Send { .. }));
    assert!(
        sent.len() >= 50 && sent.len() == answered.len(),
        "{} sent, {} answered",
        sent.len(),
        answered.len()
    );
}

#[tokio::test]
async fn a_client_that_vanishes_gets_its_one_order_by_a_retry() {
    let stage = Stage::set(|options| options).await;
    for (number, phase) in (1..).zip(Phase::ALL) {
        let gone =
            client_gone(&stage.caller, &stage.payment(), &mug(), &key(), phase).await.expect("an order");
        assert_eq!(stage.orders().await, number, "{phase:?}");
        let incomplete = matches!(phase, Phase::Connected | Phase::HalfHeaders | Phase::HalfBody);
        assert!(!(incomplete && gone.was_placed), "half a request is none: {gone:?}");
        assert!(phase != Phase::FirstByte || gone.was_placed, "it was answered: {gone:?}");
    }
    let ends = stage.shop.user.wait_for_all_ends(Phase::ALL.len()).await;
    assert_eq!(ends, [("confirmed".to_owned(), Phase::ALL.len())].into());
    stage.shop.assert_stock_adds_up("MUG", 100).await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_says_so() {
    let stage = Stage::set(|options| options).await;
    let refusals = too_large(&stage.caller, &stage.payment()[0], "MUG").await.expect("logged");
    println!("{refusals:#?}");
    let unclear: Vec<_> = refusals.iter().filter(|refusal| !refusal.is_clear()).collect();
    assert!(unclear.is_empty(), "{unclear:#?}");
    assert_eq!(stage.orders().await, 0);
    let failed = |record: &Record| matches!(record, Record::Answer { outcome: Completion::Fail, .. });
    assert_eq!(stage.records().into_iter().filter(failed).count(), refusals.len());
}

#[tokio::test]
async fn poison_becomes_one_dead_letter_each_and_comes_back_from_a_redrive() {
    let stage = Stage::set(|options| options.with_env(Kind::Payment, "DELIVERY_LIMIT", "3")).await;
    let api = stage.admin();
    for kind in Poison::ALL {
        let event = send_poison(&stage.shop.stack.redis_url(), kind, &stage.log).await.expect("sent");
        let letters =
            async || api.dead_letters(kind.victim(), Some(kind.stream()), 10).await.expect("dead letters");
        let one = async || match letters().await.as_slice() {
            [letter] => Ok(letter.clone()),
            other => Err(other.to_vec()),
        };
        let letter = eventually("its dead letter is there", SOON, one).await;
        assert_eq!(
            (letter.event["id"].as_str(), letter.reason.as_str()),
            (Some(event.to_string().as_str()), kind.reason()),
            "{letter:?}"
        );
        assert!(letter.last_error.as_ref().is_some_and(|error| !error.is_empty()), "{letter:?}");
        let entries: Vec<(String, std::collections::HashMap<String, String>)> =
            stage.shop.redis_command(&["XRANGE", &format!("{}.dead", kind.stream()), "-", "+"]).await;
        assert!(entries[0].1["event"].contains(&event.to_string()), "what a checker reads");
        let noted = |record: &Record| matches!(record, Record::Poison { event_id, stream, .. } if *event_id == event.to_string() && stream == kind.stream());
        assert_eq!(stage.records().iter().filter(|record| noted(record)).count(), 1);

        let redrive = redrive_once(&api, kind, event, SOON).await.expect("it comes back");
        assert!(redrive.works_once && redrive.first == letter.id, "{redrive:?}");
        assert_eq!(letters().await.len(), 1, "{kind}");
    }
    let id = stage.shop.user.order(&Order::of("MUG", 1)).await;
    assert_eq!(stage.shop.user.wait_for_end(&id).await["status"], "confirmed", "the healthy ones go on");
    stage.shop.quiet().await;
}

#[tokio::test]
async fn while_a_table_is_locked_orders_get_503_with_retry_after_and_the_service_lives() {
    let stage = Stage::set(with_limits).await;
    let shop = &stage.shop;
    let url = stage.shop.stack.database_url(Kind::Payment);
    let (locked, is_locked) = oneshot::channel();
    let order = async || shop.user.order_with(&Order::of("MUG", 1), &[("Idempotency-Key", &key())]).await;
    let during = async {
        is_locked.await.expect("a lock");
        // More than the pool has connections.
        let answers = join_all((0..32).map(|_| order()));
        let lists = join_all((0..32).map(|_| shop.user.get_once(Kind::Payment, "/orders")));
        let alive = async {
            shop.user.anonymous().get(Kind::Payment, "/livez").await.expect(200);
        };
        let (answers, lists, ()) = tokio::join!(answers, lists, alive);
        for answer in answers.into_iter().chain(lists) {
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert!(!answer.header("retry-after").is_empty(), "{}", answer.text());
        }
        shop.user.anonymous().get(Kind::Payment, "/livez").await.expect(200);
    };
    hold_all_connections(&url, "orders", locked, during).await.expect("it was held");
    let works = async || {
        let answer = order().await;
        if answer.status == 202 { Ok(()) } else { Err(answer.text()) }
    };
    eventually("orders are accepted again", SOON, works).await;
}
