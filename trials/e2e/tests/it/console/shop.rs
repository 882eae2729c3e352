//! The shop of a USER, and one order.

use ctl::stack::Kind;
use e2e::{Order, Shop, key};
use reqwest::Method;

use super::{BASE, Console, customer};

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
