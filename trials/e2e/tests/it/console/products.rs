//! Products and their stock.

use e2e::Shop;

use super::Console;

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
