//! Dead letters, one and many.

use ctl::stack::Kind;
use e2e::{SOON, Shop, eventually, key};
use reqwest::Method;

use super::Console;

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
    browser.page_with("/", &["needs you: 1 dead letter"]).await;

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
