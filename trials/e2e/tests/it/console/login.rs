//! Login, logout, and forms that come from elsewhere.

use ctl::stack::Kind;
use ctl::state::Login;
use e2e::{SOON, Shop, eventually, send};
use reqwest::Method;
use serde_json::Value;

use super::{BASE, Browser, Console};

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

    let shown = ["POST /orders", "order_completed", "<b>payment 1</b> ready", "on time", &admin.email];
    let page = browser.page_with("/", &shown).await;
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
