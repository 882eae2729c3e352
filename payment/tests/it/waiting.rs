//! Requests that wait for the end of an order.

use actix_rt::Arbiter;
use payment::{
    actors::{OrderNotifier, ProgressReader},
    domain::OrderStatus,
};
use runtime::{
    shutdown::Shutdown,
    supervisor::{RestartPolicy, Roster, SupervisorHandle},
};

use crate::books::{Books, SOON, moves_to, place, request};

#[actix_rt::test]
async fn an_order_that_another_instance_moves_reaches_the_requests_that_wait_for_it() {
    let books = Books::open().await;
    let connection = books.connection().await;
    let order = place(&connection, request("one")).await;
    let notifier = OrderNotifier::new(Shutdown::default());
    let mut first = notifier.subscribe(order.id);
    let mut second = notifier.subscribe(order.id);
    let supervisor = SupervisorHandle::start(&Arbiter::current(), &Roster::default(), Shutdown::default());
    let database = books.database.clone();
    let waiting = notifier.clone();
    let policy = RestartPolicy::default();
    let reader = supervisor.supervise("progress-reader", "progress-reader", policy, move |life| {
        ProgressReader::new(database.clone(), waiting.clone(), life)
    });

    moves_to(&connection, order.id, "declined", "NULL").await;

    for subscription in [&mut first, &mut second] {
        let progress = tokio::time::timeout(SOON, subscription.next()).await.expect("the end in time");
        assert_eq!(progress.status, OrderStatus::Declined);
    }
    assert!(reader.drain(SOON).await);
}
