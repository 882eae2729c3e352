//! The stream of one order's transitions.

use ctl::stack::{Kind, StackOptions};
use e2e::{Client, Order, SOON, Shop, eventually, first, with_settings};
use futures_util::future::join_all;
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

/// A connection that listens.
struct Listening {
    response: reqwest::Response,
    heard: String,
}

async fn ask(client: &Client, order: &str, last: Option<&str>) -> reqwest::Response {
    let request = client.request(Method::GET, Kind::Payment, &format!("/orders/{order}/events"));
    last.into_iter()
        .fold(request, |request, id| request.header("Last-Event-ID", id))
        .send()
        .await
        .expect("an answer")
}

impl Listening {
    async fn begin(client: &Client, order: &str, last: Option<&str>) -> Self {
        let response = ask(client, order, last).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, heard: String::new() }
    }

    /// False at the end.
    async fn hear(&mut self) -> bool {
        let chunk = timeout(SOON, self.response.chunk()).await.expect("in time").expect("a whole answer");
        self.heard.extend(chunk.iter().map(|chunk| String::from_utf8_lossy(chunk)));
        chunk.is_some()
    }

    async fn until(&mut self, text: &str, times: usize) {
        while self.heard.matches(text).count() < times {
            assert!(self.hear().await, "it ended: {}", self.heard);
        }
    }

    async fn rest(mut self) -> String {
        while self.hear().await {}
        self.heard
    }
}

/// The entries of the timeline, each under its version.
fn events(text: &str) -> Vec<Value> {
    let blocks = text.split("\n\n").filter(|block| block.contains("data: "));
    let event = |block: &str| {
        let line =
            |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).expect("a line").to_owned();
        let data: Value = serde_json::from_str(&line("data: ")).expect("JSON");
        assert_eq!(
            (line("id: "), line("event: ").as_str()),
            (data["version"].to_string(), "transition"),
            "{block}"
        );
        data
    };
    blocks.map(event).collect()
}

fn quick(options: StackOptions) -> StackOptions {
    options.with_env(Kind::Payment, "EVENT_HEARTBEAT", "1s")
}

#[tokio::test]
async fn every_transition_is_an_event_and_a_client_that_comes_back_goes_on_where_it_was() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let text = Listening::begin(&shop.user, &id, None).await.rest().await;
    assert!(text.starts_with("retry: 1000\n"), "{text}");
    assert_eq!(events(&text), shop.user.timeline(&id).await);
    assert_eq!(events(&text).len(), 3, "{text}");

    let rest = Listening::begin(&shop.user, &id, Some("1")).await.rest().await;
    assert_eq!(events(&rest), events(&text)[1..]);
    for heard in ["3", "4"] {
        assert_eq!(
            ask(&shop.user, &id, Some(heard)).await.status(),
            204,
            "nothing follows, so nobody comes again"
        );
    }
    assert_eq!(ask(&shop.user, &id, Some("x")).await.status(), 400);
    let declined = shop.user.order(&Order::of("MUG", 1).paid_by("tok_declined")).await;
    let text = Listening::begin(&shop.user, &declined, None).await.rest().await;
    assert_eq!(events(&text).last().expect("an event")["status"], "declined");
}

#[tokio::test]
async fn any_instance_tells_of_an_order_that_another_one_moves() {
    let mut shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let second = shop.stack.start_service_with(Kind::Payment, &[("CONSUMER_NAME", "second")]).await;
    let second = second.unwrap_or_else(|error| panic!("{error}"));
    let there = shop.user.at(Kind::Payment, shop.stack.service(second).expect("it runs").url());
    for _ in 0..5 {
        let id = shop.user.order(&Order::of("MUG", 1)).await;
        let (here, there) =
            tokio::join!(async { Listening::begin(&shop.user, &id, None).await.rest().await }, async {
                Listening::begin(&there, &id, None).await.rest().await
            });
        assert_eq!((events(&here), events(&here).len()), (events(&there), 3));
    }
}

#[tokio::test]
async fn a_stream_lasts_as_long_as_its_order_with_heartbeats_and_without_a_place_of_the_admission() {
    let limits =
        [("KEEP_ALIVE", "2s"), ("HEAD_TIMEOUT", "2s"), ("REQUEST_TIMEOUT", "5s"), ("ADMISSION_LIMIT", "4")];
    let mut shop = Shop::open_with(|options| with_settings(quick(options), Kind::Payment, &limits)).await;
    shop.product("MUG", 10).await;
    shop.redis().stop().await;
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(Listening::begin(&shop.user, &id, None).await);
    }
    for stream in &mut streams {
        stream.until(":\n\n", 6).await;
        assert_eq!(events(&stream.heard).len(), 2, "{}", stream.heard);
    }
    shop.redis().restart().await.expect("a restart");
    for text in join_all(streams.into_iter().map(Listening::rest)).await {
        assert_eq!(events(&text).last().expect("an event")["status"], "confirmed");
    }
}

#[tokio::test]
async fn a_user_and_all_of_them_have_a_bounded_number_of_streams() {
    let limits = [("WAITS_PER_USER", "2"), ("WAIT_LIMIT", "3")];
    let mut shop = Shop::open_with(|options| with_settings(quick(options), Kind::Payment, &limits)).await;
    shop.product("MUG", 10).await;
    shop.redis().stop().await;
    let other = shop.another_user().await;
    let (own, others) =
        (shop.user.order(&Order::of("MUG", 1)).await, other.order(&Order::of("MUG", 1)).await);
    let refused = async |client: &Client, path: &str, status, code| {
        let answer = client.get(Kind::Payment, path).await;
        answer.problem(status, code);
        assert_eq!(answer.header("retry-after"), "1");
    };
    let first = Listening::begin(&shop.user, &own, None).await;
    let _second = Listening::begin(&shop.user, &own, None).await;
    refused(&shop.user, &format!("/orders/{own}/events"), 429, "too-many-requests").await;
    refused(&shop.user, &format!("/orders/{own}?wait=1"), 429, "too-many-requests").await;
    let _third = Listening::begin(&other, &others, None).await;
    refused(&other, &format!("/orders/{others}/events"), 503, "overloaded").await;

    drop(first);
    let again = async || {
        let answer = ask(&other, &others, None).await;
        if answer.status() == 200 { Ok(()) } else { Err(answer.status()) }
    };
    eventually("a stream that ended has made room", SOON, again).await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let mut shop = Shop::open_with(quick).await;
    shop.product("MUG", 10).await;
    shop.redis().stop().await;
    let login = json!({"email": "user@example.com", "password": "correct horse battery staple"});
    let tokens = shop.user.anonymous().post(Kind::User, "/auth/login", &login).await.expect(200);
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let user = shop.user.with_token(&text("access_token"));
    let id = user.order(&Order::of("MUG", 1)).await;
    let mut stream = Listening::begin(&user, &id, None).await;
    stream.until("data: ", 2).await;
    let logout = json!({"refresh_token": text("refresh_token")});
    shop.user.anonymous().post(Kind::User, "/auth/logout", &logout).await.expect(204);
    assert_eq!(events(&stream.rest().await).len(), 2, "it is not settled");
    assert_eq!(ask(&user, &id, Some("2")).await.status(), 401);
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let mut shop = Shop::open_with(|options| {
        options.with_env(Kind::User, "ACCESS_TOKEN_TTL", "15s").with_env(
            Kind::Payment,
            "EVENT_HEARTBEAT",
            "30s",
        )
    })
    .await;
    let shopper = shop.user.log_in("user@example.com", "correct horse battery staple").await;
    let admin = shop.stack.credentials().admin.clone();
    let admin = shop.user.log_in(&admin.email, &admin.password).await;
    let product = json!({"sku": "MUG", "name": "Mug", "price": {"amount": 1, "currency": "EUR"}, "stock": 5});
    admin.post(Kind::Inventory, "/products", &product).await.expect(201);
    shop.redis().stop().await;
    let id = shopper.order(&Order::of("MUG", 1)).await;
    let text = Listening::begin(&shopper, &id, None).await.rest().await;
    assert!(events(&text).len() <= 2, "{text}");
}

#[tokio::test]
async fn sigterm_ends_streams_at_once() {
    // Longer than the patience of the test, for whoever waits for it.
    let patient = |options: StackOptions| options.with_env(Kind::Payment, "SHUTDOWN_TIMEOUT", "10m");
    let mut shop = Shop::open_with(patient).await;
    shop.product("MUG", 10).await;
    shop.redis().stop().await;
    let id = shop.user.order(&Order::of("MUG", 1)).await;
    let mut stream = Listening::begin(&shop.user, &id, None).await;
    stream.until("data: ", 2).await;
    let payment = shop.stack.service(first(Kind::Payment)).expect("it runs");
    payment.signal(Signal::SIGTERM);
    assert_eq!(events(&stream.rest().await).len(), 2);
    let ended = async || payment.exit_status();
    eventually("payment has ended", SOON, ended).await;
}
