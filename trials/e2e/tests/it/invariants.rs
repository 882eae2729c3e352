//! The page of the invariants in the console.

use ctl::stack::Kind;
use e2e::{Order, SOON, Shop, Verifier, eventually};

use crate::console::Console;

#[tokio::test]
async fn the_console_shows_what_the_verifier_finds() {
    let shop = Shop::open().await;
    shop.product("MUG", 10).await;
    let order = shop.user.order(&Order::of("MUG", 1)).await;
    shop.user.wait_for_end(&order).await;
    let verifier = Verifier::start(&shop.stack, &["--interval", "600ms"]).await;
    let console = Console::start_with(&shop, &["--verifier-url", &verifier.url]).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    let mut shows = async |path: &str, text: &str| {
        let look = async || {
            let page = browser.page(path).await;
            if page.contains(text) { Ok(page) } else { Err(page) }
        };
        eventually(text, SOON, look).await
    };
    shows("/", "all 10 watched invariants hold").await;
    let page = shows("/invariants", "all that are watched hold").await;
    assert!(
        page.contains("judged by chaos runs only") && page.contains("No product was ever sold"),
        "{page}"
    );

    shop.execute(Kind::Payment, &format!("UPDATE orders SET charge_id = 'ch_x' WHERE id = '{order}'")).await;
    shows("/", "broken: I5").await;
    let page = shows("/invariants", "I5 money: 1 found").await;
    assert!(page.contains(&format!("href=\"/console/orders/{order}\"")), "{page}");

    drop(verifier);
    shows("/", "the verifier does not answer").await;
    shows("/invariants", "Nobody checks the invariants now").await;
}

#[tokio::test]
async fn without_a_verifier_the_console_says_how_to_start_one() {
    let shop = Shop::open().await;
    let console = Console::start_with(&shop, &[]).await;
    let mut browser = console.logged_in(&shop.stack.credentials().admin).await;
    assert!(browser.page("/invariants").await.contains("shopctl verify --watch"));
    assert!(!browser.page("/").await.contains("map-invariants"));
}
