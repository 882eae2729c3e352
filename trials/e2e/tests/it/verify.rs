mod breaks;
mod watching;

use std::{path::PathBuf, process::Command};

use ctl::{
    client_log::{ClientLog, Completion, Record},
    stack::{Kind, StackOptions},
    verify::{Check, Evidence, Judgement, Sampler, Sources, Verdict, pending_work, render, verify},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use e2e::{Order, SOON, Shop, eventually, key, service_binaries};

use breaks::breaks;

/// Orders of every end, and the log of their client.
struct Scene {
    shop: Shop,
    sources: Sources,
    folder: TempDir,
    log: Vec<Record>,
    confirmed: String,
    refunded: String,
    declined: String,
}

impl Scene {
    async fn set() -> Self {
        // Disables trimming.
        let keep = |options: StackOptions| {
            let options = options.with_env(Kind::Payment, "STREAM_RETENTION", "1h");
            options.with_env(Kind::Inventory, "STREAM_RETENTION", "1h")
        };
        let shop = Shop::open_with(keep).await;
        for (sku, stock) in [("MUG", 10), ("RARE", 2)] {
            shop.product(sku, stock).await;
        }
        let url = |kind| shop.stack.database_url(kind);
        let sources = Sources {
            user_database: url(Kind::User),
            inventory_database: url(Kind::Inventory),
            payment_database: url(Kind::Payment),
            redis: shop.stack.redis_url(),
        };
        let folder = tempfile::tempdir().expect("a folder");
        let log = Vec::new();
        let none = String::new();
        let mut scene = Self {
            shop,
            sources,
            folder,
            log,
            confirmed: none.clone(),
            refunded: none.clone(),
            declined: none,
        };
        scene.confirmed = scene
            .order(json!({"items": [{"sku": "MUG", "quantity": 2}, {"sku": "RARE", "quantity": 1}]}))
            .await;
        scene.refunded = scene.order(json!({"items": [{"sku": "RARE", "quantity": 3}]})).await;
        scene.declined = scene
            .order(json!({"items": [{"sku": "MUG", "quantity": 1}], "payment_method": "tok_declined"}))
            .await;
        scene.quiet().await;
        scene
    }

    /// Places an order, with its way to the end in the log.
    async fn order(&mut self, body: Value) -> String {
        let key = key();
        let request = self
            .shop
            .user
            .request(reqwest::Method::POST, Kind::Payment, "/orders")
            .header("Idempotency-Key", &key);
        let answer = e2e::send(request.json(&body)).await.expect("an answer");
        let order = answer.expect(202);
        let at = Timestamp::now();
        let user = uuid(&order["user_id"]);
        self.log.push(Record::Send { at, user, key: key.clone(), body });
        let body = Some(answer.text());
        self.log.push(Record::Answer {
            at,
            user,
            key,
            outcome: Completion::Ok,
            status: Some(202),
            body,
            why: None,
        });
        let id = order["id"].as_str().expect("an id").to_owned();
        let end = self.shop.user.wait_for_end(&id).await;
        for (status, version) in [
            ("pending", 1),
            (end["status"].as_str().expect("a status"), end["version"].as_u64().expect("a version")),
        ] {
            self.log.push(Record::Seen { at, order: uuid(&order["id"]), status: status.to_owned(), version });
        }
        id
    }

    async fn quiet(&self) {
        let look = async || {
            let pending_work = pending_work(&self.sources).await.expect("servers that answer");
            if pending_work.is_empty() { Ok(()) } else { Err(pending_work) }
        };
        eventually("nothing is on its way", SOON, look).await;
    }

    async fn log_with(&self, more: &[Record]) -> PathBuf {
        let path = self.folder.path().join(format!("{}.log", key()));
        let log = ClientLog::append_to(&path).expect("a log");
        for record in self.log.iter().chain(more) {
            log.write(record).await.expect("on disk");
        }
        path
    }

    async fn judge(&self, more: &[Record]) -> Verdict {
        let evidence = Evidence { client_log: Some(self.log_with(more).await) };
        verify(&self.sources, &evidence).await.expect("a verdict")
    }

    /// The confirmed order was sent first.
    fn first_key(&self) -> (Uuid, String) {
        let Record::Send { user, key, .. } = &self.log[0] else { panic!("{:?}", self.log[0]) };
        (*user, key.clone())
    }

    async fn text(&self, kind: Kind, sql: &str) -> String {
        let (client, connection) =
            tokio_postgres::connect(&self.shop.stack.database_url(kind), tokio_postgres::NoTls)
                .await
                .expect("a connection");
        let ask = async move { client.query_one(sql, &[]).await.map(|row| row.get(0)) };
        let (answer, _) = tokio::join!(ask, connection);
        answer.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    fn command(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(service_binaries().join("shopctl"));
        command.arg("verify").args(arguments).arg("--data-dir").arg(self.folder.path());
        command.env("SHOPCTL_USER_DATABASE_URL", &self.sources.user_database);
        command.env("SHOPCTL_INVENTORY_DATABASE_URL", &self.sources.inventory_database);
        command.env("SHOPCTL_PAYMENT_DATABASE_URL", &self.sources.payment_database);
        let output = command.output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

fn uuid(value: &Value) -> Uuid {
    value.as_str().and_then(|text| text.parse().ok()).expect("a UUID")
}

fn red(verdict: &Verdict) -> Vec<&'static str> {
    verdict.broken().map(|check| check.id).collect()
}

/// Exactly these invariants are broken, and each names `offender`.
#[track_caller]
fn assert_red(case: &str, verdict: &Verdict, expected: &[&str], offender: &str) {
    let report = render(verdict, ctl::terminal::Paint::PLAIN);
    assert_eq!(red(verdict), expected, "{case}\n{report}");
    for check in verdict.broken() {
        let Judgement::Broken { offenders, .. } = &check.judgement else { continue };
        assert!(
            offenders.iter().any(|found| found.contains(offender)),
            "{case}: {} does not name {offender}\n{report}",
            check.id
        );
    }
}

#[tokio::test]
async fn a_sound_shop_holds_and_everything_broken_by_hand_turns_its_invariants_red() {
    let mut scene = Scene::set().await;
    let verdict = scene.judge(&[]).await;
    assert!(verdict.not_quiet.is_empty(), "{:?}", verdict.not_quiet);
    let of_a_run = |id: &str| ["I13", "I14", "I15"].contains(&id);
    let as_expected = |check: &Check| match check.judgement {
        Judgement::Holds => !of_a_run(check.id),
        Judgement::NotJudged { .. } => of_a_run(check.id),
        Judgement::Broken { .. } => false,
    };
    assert!(verdict.checks.iter().all(as_expected), "{verdict:#?}");
    let looked_at = |id: &str| verdict.checks.iter().find(|check| check.id == id).expect("a check").looked_at;
    assert!(
        (looked_at("I3"), looked_at("I4")) == (3, 3) && looked_at("I1") > 4 && looked_at("I7") > 8,
        "{verdict:#?}"
    );

    let mut sampler = Sampler::new(&scene.sources);
    assert_eq!(sample(&mut sampler).await, [""; 0]);

    for case in breaks(&scene).await {
        scene.shop.execute(case.kind, &case.how).await;
        let verdict = scene.judge(&[]).await;
        scene.shop.execute(case.kind, &case.mend).await;
        assert_red(case.name, &verdict, case.red, &case.offender);
    }
    break_the_log(&scene).await;
    break_the_streams(&scene, &mut sampler).await;
    the_command_says_it_by_its_exit_code(&scene).await;

    // The same user, with an order missing in the client log.
    let logged = scene.log.len();
    let ghost = scene.order(json!({"items": [{"sku": "MUG", "quantity": 1}]})).await;
    scene.log.truncate(logged);
    scene.quiet().await;
    assert_red("an order that is not in the log", &scene.judge(&[]).await, &["I9"], &ghost);
    assert_eq!(sample(&mut sampler).await, [""; 0]);
}

/// One that was not too late to count.
async fn sample(sampler: &mut Sampler) -> Vec<String> {
    let before = sampler.samples();
    let mut breaches = Vec::new();
    while sampler.samples() == before {
        breaches.extend(sampler.sample().await);
    }
    breaches
}

async fn break_the_log(scene: &Scene) {
    let (user, key) = scene.first_key();
    let at = Timestamp::now();
    let unknown = Uuid::now_v7();
    let send = |key: &str| Record::Send {
        at,
        user,
        key: key.to_owned(),
        body: json!({"items": [{"sku": "MUG", "quantity": 1}]}),
    };
    let answer = |key: &str, outcome, body: Option<String>| {
        let key = key.to_owned();
        let why = None;
        Record::Answer { at, user, key, outcome, status: None, body, why }
    };
    let lost = || answer("lost", Completion::Ok, Some(json!({"id": unknown}).to_string()));
    let verdict = scene.judge(&[send("lost"), lost()]).await;
    assert_red("a 2xx that left nothing", &verdict, &["I3"], "lost");

    let verdict =
        scene.judge(&[answer(&key, Completion::Ok, Some(json!({"id": scene.confirmed}).to_string()))]).await;
    assert_red("a replay with other bytes", &verdict, &["I8"], &key);

    let order = scene.confirmed.parse().expect("a UUID");
    let seen = |status: &str, version| Record::Seen { at, order, status: status.to_owned(), version };
    assert_red(
        "a state that never was",
        &scene.judge(&[seen("declined", 4)]).await,
        &["I6"],
        &scene.confirmed,
    );
    assert_red(
        "a state that went back",
        &scene.judge(&[seen("completed", 2)]).await,
        &["I6"],
        &scene.confirmed,
    );

    // The log says only that it failed.
    let mut log = vec![scene.log[0].clone(), answer(&key, Completion::Fail, None)];
    log.extend_from_slice(&scene.log[4..]);
    let path = scene.folder.path().join("failed.log");
    let file = ClientLog::append_to(&path).expect("a log");
    for record in &log {
        file.write(record).await.expect("on disk");
    }
    let verdict = verify(&scene.sources, &Evidence { client_log: Some(path) }).await.expect("a verdict");
    assert_red("a failed key with an order", &verdict, &["I9"], &scene.confirmed);
}

async fn break_the_streams(scene: &Scene, sampler: &mut Sampler) {
    // A partition without a reader, whose group counts all entries as acknowledged.
    let lost = key();
    let stream = "order_completed.7";
    scene
        .shop
        .redis_command::<String>(&["XADD", stream, "*", "event", &json!({"id": lost}).to_string()])
        .await;
    scene.shop.redis_command::<String>(&["XGROUP", "CREATE", stream, "inventory-group", "$"]).await;
    let breaches = sample(sampler).await;
    assert!(breaches.len() == 1 && breaches[0].contains(&lost), "{breaches:?}");
    assert_eq!(sample(sampler).await, [""; 0], "each is named once");
    assert_red("acknowledged without effect", &scene.judge(&[]).await, &["I7"], &lost);
    scene.shop.redis_command::<u64>(&["DEL", stream]).await;

    let event_id = key();
    let nonsense = json!({"id": event_id, "type": "nonsense"}).to_string();
    scene.shop.redis_command::<String>(&["XADD", "order_completed", "*", "event", &nonsense]).await;
    let buried = async || {
        (scene.shop.redis_command::<u64>(&["XLEN", "order_completed.dead"]).await == 1).then_some(())
    };
    eventually("it is a dead letter", SOON, buried).await;
    scene.quiet().await;
    assert_red("a dead letter nobody sent", &scene.judge(&[]).await, &["I11"], &event_id);
    let poison = |event_id: &str| Record::Poison {
        at: Timestamp::now(),
        stream: "order_completed".to_owned(),
        event_id: event_id.to_owned(),
    };
    assert!(scene.judge(&[poison(&event_id)]).await.holds());
    assert_red(
        "poison that is gone",
        &scene.judge(&[poison(&event_id), poison("vanished")]).await,
        &["I11"],
        "vanished",
    );
    let verdict = verify(&scene.sources, &Evidence::default()).await.expect("a verdict");
    let why = |check: &ctl::verify::Check| {
        if let Judgement::NotJudged { why } = &check.judgement { why.clone() } else { String::new() }
    };
    assert!(verdict.holds() && why(&verdict.checks[10]).contains("dead-letters list"), "{verdict:#?}");
    scene.shop.redis_command::<u64>(&["DEL", "order_completed.dead", "order_completed.dead.index"]).await;
    let entries: Vec<(String, std::collections::HashMap<String, String>)> =
        scene.shop.redis_command(&["XRANGE", "order_completed", "-", "+"]).await;
    let entry = &entries.iter().find(|(_, fields)| fields["event"] == nonsense).expect("the entry").0;
    scene.shop.redis_command::<u64>(&["XDEL", "order_completed", entry]).await;
}

async fn the_command_says_it_by_its_exit_code(scene: &Scene) {
    let redis = scene.sources.redis.as_str();
    let log = scene.log_with(&[]).await;
    let log = log.to_str().expect("a path");
    let (code, out, error) = scene.command(&["--redis-url", redis, "--client-log", log]);
    assert_eq!(code, Some(0), "{out}{error}");
    assert!(out.contains("12 of 15 invariants hold, 3 not judged"), "{out}");

    scene.shop.execute(Kind::Inventory, "UPDATE products SET on_hand = on_hand + 1 WHERE sku = 'MUG'").await;
    let (code, out, error) = scene.command(&["--redis-url", redis, "--json"]);
    scene.shop.execute(Kind::Inventory, "UPDATE products SET on_hand = on_hand - 1 WHERE sku = 'MUG'").await;
    assert_eq!(code, Some(1), "{out}{error}");
    let verdict: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (&verdict["checks"][0]["id"], &verdict["checks"][0]["judgement"]["verdict"]),
        (&json!("I1"), &json!("broken")),
        "{out}"
    );

    let (code, _, error) = scene.command(&["--redis-url", "redis://127.0.0.1:1/0"]);
    assert!(code == Some(3) && error.contains("127.0.0.1:1"), "{code:?} {error}");
    let (code, _, error) = scene.command(&[]);
    assert!(code == Some(2) && error.contains("--redis-url"), "{code:?} {error}");
}

#[tokio::test]
async fn a_working_shop_is_never_found_broken() {
    let shop = Shop::open().await;
    shop.product("MUG", 150).await;
    let url = |kind| shop.stack.database_url(kind);
    let sources = Sources {
        user_database: url(Kind::User),
        inventory_database: url(Kind::Inventory),
        payment_database: url(Kind::Payment),
        redis: shop.stack.redis_url(),
    };
    let order = Order::of("MUG", 1);
    let done = std::cell::Cell::new(false);
    let load = async {
        shop.user.place_many_until_accepted(&order, 300, || {}).await;
        done.set(true);
    };
    let watch = async {
        let mut sampler = Sampler::new(&sources);
        while !done.get() || sampler.samples() == 0 {
            assert_eq!(sampler.sample().await, [""; 0]);
            let verdict = verify(&sources, &Evidence::default()).await.expect("a verdict");
            assert!(verdict.holds(), "{}", render(&verdict, ctl::terminal::Paint::PLAIN));
        }
        assert!(sampler.samples() > 0);
    };
    tokio::join!(load, watch);
    shop.user.wait_for_all_ends(300).await;
    assert!(verify(&sources, &Evidence::default()).await.expect("a verdict").holds());
}
