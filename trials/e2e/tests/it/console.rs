//! The console, as a browser without scripts uses it.

use std::{collections::BTreeMap, process::Stdio};

use ctl::{
    api::http_client,
    stack::{Kind, StackOptions},
    state::Login,
};
use e2e::{HttpResponse, Order, SOON, Shop, eventually, key, send, service_binaries};
use reqwest::{Method, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// As behind a proxy.
const BASE: &str = "/console";

pub(crate) struct Console {
    origin: String,
    _program: Child,
}

pub(crate) struct Browser {
    http: reqwest::Client,
    origin: String,
    cookies: BTreeMap<String, String>,
    /// Of the last page.
    csrf: String,
}

impl Console {
    async fn start(shop: &Shop) -> Self {
        Self::start_with(shop, &[]).await
    }

    pub(crate) async fn start_with(shop: &Shop, arguments: &[&str]) -> Self {
        let mut command = Command::new(service_binaries().join("console"));
        command.args(["--bind", "127.0.0.1:0", "--base-path", BASE]).args(arguments);
        for kind in Kind::ALL {
            command.arg(format!("--{kind}-url")).arg(shop.stack.first(kind).expect("it runs").url());
        }
        let mut program = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("it starts");
        let mut lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
        loop {
            let line = lines.next_line().await.expect("readable").expect("its address, before it ends");
            if let Some((_, url)) = line.split_once("the console is at ") {
                let origin = url.trim_end_matches('/').trim_end_matches(BASE).to_owned();
                return Self { origin, _program: program };
            }
        }
    }

    fn browser(&self) -> Browser {
        let http = http_client().redirect(Policy::none()).timeout(SOON).build().expect("a client");
        Browser { http, origin: self.origin.clone(), cookies: BTreeMap::new(), csrf: String::new() }
    }

    pub(crate) async fn logged_in(&self, login: &Login) -> Browser {
        let mut browser = self.browser();
        browser.get("/login").await;
        let answer = browser.log_in(login).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/console/"), "{}", answer.text());
        browser
    }
}

impl Browser {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.http.request(method, format!("{}{BASE}{path}", self.origin));
        request.header("Cookie", cookies.join("; "))
    }

    fn form(&self, path: &str, csrf: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", csrf).extend_pairs(fields);
        let request = self.request(Method::POST, path);
        request.header("Content-Type", "application/x-www-form-urlencoded").body(form.finish())
    }

    async fn send(&mut self, request: RequestBuilder) -> HttpResponse {
        let answer = send(request).await.expect("an answer");
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().expect("text");
            assert!(
                line.contains("; HttpOnly; SameSite=Strict") && line.contains("; Path=/console;"),
                "{line}"
            );
            let (name, value) =
                line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"));
        let text = answer.text();
        assert!(!text.contains(" style=") && !text.contains("<script>"), "inline code: {text}");
        if let Some((_, rest)) = text.split_once("name=\"csrf\" value=\"") {
            self.csrf = rest.split('"').next().expect("a value").to_owned();
        }
        answer
    }

    async fn get(&mut self, path: &str) -> HttpResponse {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// Shows the page.
    pub(crate) async fn page(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> HttpResponse {
        let request = self.form(path, &self.csrf, fields);
        self.send(request).await
    }

    async fn log_in(&mut self, login: &Login) -> HttpResponse {
        let (email, password) = (login.email.as_str(), login.password.as_str());
        let fields = [("email", email), ("password", password), ("next", "/")];
        self.submit("/login", &fields).await
    }
}

fn customer() -> Login {
    Login { email: "user@example.com".to_owned(), password: "correct horse battery staple".to_owned() }
}

async fn sessions(shop: &Shop) -> Vec<Value> {
    let sessions = shop.admin.get(Kind::User, "/auth/sessions").await.expect(200);
    sessions["data"].as_array().expect("sessions").clone()
}

#[tokio::test]
async fn a_login_lasts_until_the_logout_and_ends_at_user_too() {
    let shop = Shop::open().await;
    let console = Console::start(&shop).await;
    let admin = shop.stack.credentials().admin.clone();
    let before = sessions(&shop).await.len();

    let mut browser = console.browser();
    let answer = browser.get("/orders?status=pending").await;
    let to_login = "/console/login?next=%2Forders%3Fstatus%3Dpending";
    assert_eq!((answer.status, answer.header("location")), (303, to_login));
    browser.get("/login").await;
    let wrong = Login { password: "wrong horse".to_owned(), ..admin.clone() };
    let refused = browser.log_in(&wrong).await;
    assert_eq!(refused.status, 401);
    assert!(refused.text().contains("The e-mail or the password is wrong."), "{}", refused.text());
    assert_eq!(browser.log_in(&admin).await.status, 303);
    assert_eq!(sessions(&shop).await.len(), before + 1);

    let page = browser.page("/").await;
    for shown in ["POST /orders", "order_completed", "<b>payment 1</b> ready", "on time", &admin.email] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let asset = page.split('"').find(|text| text.contains("console.css")).expect("a style").to_owned();
    let style = browser.get(asset.trim_start_matches(BASE)).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    let pages = ["/orders", "/streams", "/dead-letters", "/products", "/accounts", "/audit", "/invariants"];
    for path in pages.into_iter().chain(["/faults"]) {
        browser.page(path).await;
    }
    assert_eq!(browser.get("/nowhere").await.status, 404);

    browser.page("/").await;
    assert_eq!(browser.submit("/logout", &[]).await.status, 303);
    assert_eq!(browser.get("/").await.header("location"), "/console/login");
    assert_eq!(sessions(&shop).await.len(), before);
}

#[tokio::test]
async fn a_session_that_ends_at_user_ends_here() {
    let shop = Shop::open().await;
    let console = Console::start(&shop).await;
    let before = sessions(&shop).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    let after = sessions(&shop).await;
    let own = after.iter().find(|session| !before.contains(session)).expect("one more");
    let path = format!("/auth/sessions/{}", own["id"].as_str().expect("an id"));
    let end = shop.admin.request(Method::DELETE, Kind::User, &path);
    send(end).await.expect("an answer").expect(204);
    let look = async || {
        let answer = browser.get("/accounts").await;
        if answer.header("location").starts_with("/console/login") { Ok(()) } else { Err(answer.status) }
    };
    eventually("the token is revoked, and the console cannot renew it", SOON, look).await;
}

#[tokio::test]
async fn a_customer_orders_and_follows_the_order_and_sees_nothing_else() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let tracing = ["--trace-url", "https://traces.example/trace/{trace_id}"];
    let console = Console::start_with(&shop, &tracing).await;
    let mut browser = console.logged_in(&customer()).await;
    assert_eq!(browser.get("/").await.header("location"), "/console/shop");
    assert!(browser.page("/shop").await.contains("A MUG"));

    let key = key();
    let fields = [("sku", "MUG"), ("quantity", "2"), ("payment_method", "tok_ok"), ("key", key.as_str())];
    let placed = browser.submit("/shop/orders", &fields).await;
    let order = placed.header("location").trim_start_matches(BASE).to_owned();
    assert!(order.starts_with("/orders/"), "{}", placed.text());
    assert_eq!(browser.submit("/shop/orders", &fields).await.header("location"), placed.header("location"));

    // Ends with the final state.
    let request = browser.request(Method::GET, &format!("{order}/live"));
    let events = browser.send(request).await;
    assert_eq!(events.header("content-type"), "text/event-stream");
    let text = events.text();
    assert!(text.contains("event: order") && text.contains("<b>confirmed</b>"), "{text}");
    assert!(text.ends_with("event: close\ndata:\n\n"), "{text}");
    let page = browser.page(&order).await;
    assert!(page.contains("20.00 EUR") && page.contains("shop.stock.reserved.v1"), "{page}");

    let id = order.trim_start_matches("/orders/");
    assert!(shop.admin.get(Kind::Payment, &order).await.expect(200)["id"] == id);
    for path in ["/streams", "/dead-letters", "/products", "/accounts", "/audit", "/faults", "/live"] {
        assert_eq!(browser.get(path).await.status, 403, "{path}");
    }
    let theirs = shop.another_user().await.order(&Order::of("MUG", 1)).await;
    assert_eq!(browser.get(&format!("/orders/{theirs}")).await.status, 404);

    let link = "href=\"https://traces.example/trace/";
    assert!(!page.contains(link), "{page}");
    let mut operator = console.logged_in(&shop.stack.credentials().admin).await;
    let page = operator.page(&order).await;
    assert!(page.contains(link) && !page.contains("{trace_id}"), "{page}");
    let user = shop.admin.get(Kind::Payment, &order).await.expect(200)["user_id"].clone();
    let search = format!("/orders?user_id={}&key=", user.as_str().expect("an id"));
    let found = operator.get(&format!("{search}{key}-MUG")).await;
    assert_eq!((found.status, found.header("location")), (303, &*format!("{BASE}{order}")));
    assert!(operator.page(&format!("{search}none")).await.contains("no order under this key"));
}

#[tokio::test]
async fn a_form_that_comes_from_elsewhere_changes_nothing() {
    let shop = Shop::open().await;
    let console = Console::start(&shop).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    browser.page("/products").await;
    let product = [
        ("sku", "MUG"),
        ("name", "A mug"),
        ("description", ""),
        ("stock", "1"),
        ("amount", "100"),
        ("currency", "EUR"),
    ];
    let create = |browser: &Browser, csrf: &str| browser.form("/products", csrf, &product);
    let csrf = browser.csrf.clone();
    let without_token = create(&browser, "");
    let wrong_token = create(&browser, &"0".repeat(64));
    let other_site = create(&browser, &csrf).header("Sec-Fetch-Site", "cross-site");
    let other_origin = create(&browser, &csrf).header("Origin", "http://evil.example");
    for request in [without_token, wrong_token, other_site, other_origin] {
        assert_eq!(browser.send(request).await.status, 403);
    }
    shop.admin.get(Kind::Inventory, "/products/MUG").await.problem(404, "not-found");
    let own = create(&browser, &csrf).header("Sec-Fetch-Site", "same-origin");
    assert_eq!(browser.send(own).await.status, 303);
    shop.admin.get(Kind::Inventory, "/products/MUG").await.expect(200);
    // The login form has a token of its own.
    let mut stranger = console.browser();
    assert_eq!(stranger.log_in(&shop.stack.credentials().admin).await.status, 403);
}

#[tokio::test]
async fn a_product_is_priced_and_stocked() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let console = Console::start(&shop).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    browser.page("/products/MUG").await;
    let details = [("name", "A mug"), ("description", ""), ("amount", "1250"), ("currency", "EUR")];
    let with_version = |version| [&[("version", version)][..], &details].concat();
    assert_eq!(browser.submit("/products/MUG", &with_version("1")).await.status, 303);
    assert!(browser.page("/products/MUG").await.contains("MUG costs 12.50 EUR now."));
    let stale = browser.submit("/products/MUG", &with_version("1")).await;
    assert_eq!(stale.status, 412);
    assert!(stale.text().contains("Request <code>"), "an error names its request: {}", stale.text());
    let adjustment = [("delta", "5"), ("reason", "delivery 4711"), ("key", "first")];
    assert_eq!(browser.submit("/products/MUG/stock", &adjustment).await.status, 303);
    let page = browser.page("/products/MUG").await;
    assert!(page.contains("15 on hand now.") && page.contains("delivery 4711"), "{page}");
    let wrong = browser.submit("/products/MUG/stock", &[("delta", "0"), ("reason", "x"), ("key", "k")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("<code>/delta</code>"), "{}", wrong.text());
}

#[tokio::test]
async fn dead_letters_are_grouped_counted_and_discarded() {
    let shop = Shop::open().await;
    let id = key();
    let entry = ["XADD", "order_completed", "*", "id", &id, "type", "shop.order.completed.v9"];
    shop.redis_command::<String>(&entry).await;
    let listed = async || {
        let letters = shop.admin.all(Kind::Inventory, "/ops/dead-letters", 10).await;
        letters.first().map(|letter| letter["id"].as_str().expect("an id").to_owned())
    };
    let id = eventually("the dead letter is there", SOON, listed).await;
    let console = Console::start(&shop).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    let page = browser.page("/dead-letters").await;
    assert!(page.contains("1 of order_completed: unreadable") && page.contains(&id), "{page}");
    assert!(browser.page("/").await.contains("needs you: 1 dead letter"));

    let group =
        [("stream", "order_completed"), ("reason", "unreadable"), ("type", "shop.order.completed.v9")];
    let with = |more: &[(&'static str, &'static str)]| [&group[..], more].concat();
    let counted = browser.submit("/dead-letters/group", &with(&[("do", "redrive-all")])).await;
    assert!(
        counted.status == 200 && counted.text().contains("<h1>Redrive 1 dead letter of"),
        "{}",
        counted.text()
    );
    assert!(browser.page("/dead-letters").await.contains(&id), "a dry run changes nothing");
    let nothing = browser.submit("/dead-letters/group", &with(&[("do", "redrive-chosen")])).await;
    assert_eq!(nothing.status, 400);
    let page = browser.page(&format!("/dead-letters/{id}")).await;
    assert!(page.contains("shop.order.completed.v9"), "{page}");
    let path = format!("/dead-letters/{id}/discard");
    assert_eq!(browser.submit(&path, &[("reason", " ")]).await.status, 400);
    assert_eq!(browser.submit(&path, &[("reason", "a test")]).await.status, 303);
    assert!(browser.page("/dead-letters").await.contains("gone for good"));
    shop.admin.get(Kind::Inventory, &format!("/ops/dead-letters/{id}")).await.problem(404, "not-found");
}

#[tokio::test]
async fn many_dead_letters_are_discarded_by_a_job_that_shows_how_far_it_is() {
    let shop = Shop::open().await;
    for _ in 0..250 {
        let entry = ["XADD", "order_completed", "*", "id", &key(), "type", "shop.order.completed.v9"];
        shop.redis_command::<String>(&entry).await;
    }
    let left = async || shop.admin.all(Kind::Inventory, "/ops/dead-letters", 100).await.len();
    let all_there = async || if left().await == 250 { Ok(()) } else { Err(left().await) };
    eventually("the dead letters are there", SOON, all_there).await;
    let console = Console::start(&shop).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    browser.page("/dead-letters").await;
    let job = [
        ("stream", "order_completed"),
        ("reason", "unreadable"),
        ("type", "shop.order.completed.v9"),
        ("do", "discard-all"),
    ];
    assert_eq!(browser.submit("/dead-letters/job", &job).await.status, 400, "without a reason");
    let begun = browser.submit("/dead-letters/job", &[&job[..], &[("why", "a test")]].concat()).await;
    assert_eq!(begun.header("location"), "/console/dead-letters/job", "{}", begun.text());
    // Ends with the job.
    let request = browser.request(Method::GET, "/dead-letters/job/live");
    let events = browser.send(request).await.text();
    assert!(events.contains("finished") && events.ends_with("event: close\ndata:\n\n"), "{events}");
    let page = browser.page("/dead-letters/job").await;
    assert!(page.contains("<dt>are discarded</dt><dd>250</dd>"), "{page}");
    assert_eq!(left().await, 0);
}

#[tokio::test]
async fn an_account_is_changed_after_a_question_and_the_only_admin_stays() {
    let shop = Shop::open().await;
    let console = Console::start(&shop).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    browser.page("/accounts").await;
    let users = shop.admin.get(Kind::User, "/users").await.expect(200);
    let id = |email: &str| {
        let users = users["data"].as_array().expect("accounts");
        let found = users.iter().find(|user| user["email"] == email).expect("it is there");
        found["id"].as_str().expect("an id").to_owned()
    };
    let (admin, user) = (id(&shop.stack.credentials().admin.email), id(&customer().email));
    let asked = browser.submit("/accounts", &[("do", "disable"), ("id", &user)]).await;
    assert!(asked.status == 200 && asked.text().contains("<h1>Disable the account</h1>"), "{}", asked.text());
    let confirmed = [("do", "disable"), ("id", user.as_str()), ("confirmed", "yes")];
    assert_eq!(browser.submit("/accounts", &confirmed).await.status, 303);
    assert!(browser.page("/accounts").await.contains("disabled"));
    let last = [("do", "make-user"), ("id", admin.as_str()), ("confirmed", "yes")];
    assert_eq!(browser.submit("/accounts", &last).await.status, 303);
    assert!(browser.page("/accounts").await.contains("This account is the only ADMIN."));
    let client = [("do", "create-client"), ("id", "reports"), ("scope", "orders:read"), ("confirmed", "yes")];
    let created = browser.submit("/accounts", &client).await;
    assert!(created.text().contains("<h1>Secret of reports</h1>"), "{}", created.text());
}

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
