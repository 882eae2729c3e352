//! The events of the bank.

use events::{Envelope, Event, Route, TraceContext};
use runtime::{
    outbox::{OutboxEvent, Retention},
    stream::Received,
};
use serde::{Deserialize, Serialize};

pub const SERVICE: &str = "bank";
pub const GROUP: &str = "tellers";

#[derive(Clone, Serialize, Deserialize)]
pub struct Deposited {
    pub account: String,
    pub amount: i32,
}

impl Event for Deposited {
    const TYPE: &'static str = "bank.deposited.v1";
    const STREAM: &'static str = "deposited";

    fn subject(&self) -> String {
        self.account.clone()
    }
}

#[derive(Serialize, Deserialize)]
pub struct Credited {
    pub account: String,
    pub amount: i32,
}

impl Event for Credited {
    const TYPE: &'static str = "bank.credited.v1";
    const STREAM: &'static str = "credited";

    fn subject(&self) -> String {
        self.account.clone()
    }
}

/// A service takes its routes from `events::ROUTES`.
pub const ROUTE: Route = Route {
    stream: Credited::STREAM,
    publisher: SERVICE,
    consumer: "statements",
    group: "statements",
    answered_on: &[],
};

/// The first event of a saga.
pub fn deposited(account: &str, amount: i32) -> Envelope {
    let account = account.to_owned();
    let event = Deposited { account, amount };
    Envelope::new(&event, "cash-desk", event.account.clone(), TraceContext::root())
}

/// `Repeated(0)`: the outbox row goes once it is published.
pub fn credited(received: &Received<Deposited>) -> OutboxEvent {
    let Deposited { account, amount } = received.event.clone();
    let envelope = received.cause().reply(&Credited { account, amount }, SERVICE);
    OutboxEvent::new::<Credited>(envelope, Retention::Repeated(0)).expect("a small event")
}
