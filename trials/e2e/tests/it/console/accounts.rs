//! Accounts and OAuth clients.

use ctl::stack::Kind;
use e2e::Shop;

use super::{Console, customer};

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
