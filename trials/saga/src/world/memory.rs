//! Customers, and the work an instance holds in memory. A crash loses the work of an instance.

use inventory::domain::Level;
use payment::domain::{Order, OrderStatus, PaymentMethod, ResponseKind};

use crate::random::Random;
use crate::redis::{Delivered, EventNo};

/// An order's id: 1, 2, … as a UUID.
pub type OrderNo = u128;

/// A customer with one idempotency key.
pub struct Client {
    pub cart: usize,
    pub method: PaymentMethod,
    pub waits: bool,
    /// Sends another body under the same key, too.
    pub careless: bool,
    pub asked: bool,
    /// The first 2xx: which body was sent, and what came back.
    pub answered: Option<(u8, ResponseKind, Order)>,
    /// The first body was refused, because the key was used for the other one.
    pub refused: bool,
}

/// A request that a handler is at.
pub struct Request {
    pub client: usize,
    pub body: u8,
    pub no: OrderNo,
    pub stage: RequestStage,
}

pub enum RequestStage {
    Commit,
    /// With `key_unique` broken: looked up, absent.
    Insert,
    /// `Prefer: wait`: the order is looked at until patience is over.
    Look(OrderNo),
    Record(Box<Order>),
}

impl Client {
    pub fn draw(random: &mut Random, carts: usize) -> Self {
        let method = match random.below(10) {
            0 => PaymentMethod::Declined,
            1 => PaymentMethod::Timeout,
            2 => PaymentMethod::Flaky,
            _ => PaymentMethod::Ok,
        };
        let cart = random.below(carts);
        let waits = random.one_in(3);
        let careless = random.one_in(8);
        Self { cart, method, waits, careless, asked: false, answered: None, refused: false }
    }

    pub fn is_content(&self) -> bool {
        self.answered.is_some() || self.refused
    }
}

#[derive(Default)]
pub struct Cashier {
    pub queue: Vec<OrderNo>,
    pub charge: Option<Charge>,
}

pub enum Charge {
    Ask { no: OrderNo, attempt: usize },
    Settle(Settlement),
}

/// The result of a charge, with the event for inventory.
#[derive(Clone)]
pub struct Settlement {
    pub no: OrderNo,
    /// The event of a charge; `None` for a declined one.
    pub event: Option<EventNo>,
}

/// An event held by a consumer, and its stage.
pub struct HeldEvent {
    pub delivered: Delivered,
    pub stage: ApplyStage,
}

#[derive(Clone)]
pub enum ApplyStage {
    /// To be handled (again); for a refund the order is looked at first.
    Fresh,
    /// The order is paid and undecided: its money goes back.
    AskRefund,
    /// All data is known: the statement begins.
    Begin,
    Commit(Statement),
    Ack,
}

/// A statement in progress, with the snapshot of its start. Its writes are checked against later data (READ
/// COMMITTED).
#[derive(Clone)]
pub struct Statement {
    pub event: EventNo,
    pub known: bool,
    pub status: Option<OrderStatus>,
}

/// Memory of a relay.
#[derive(Default)]
pub struct Relay {
    /// To be published.
    pub queue: Vec<EventNo>,
    /// Published and done with: their rows go.
    pub forget: Vec<EventNo>,
}

/// The orders that are being decided.
#[derive(Default)]
pub struct Round {
    pub cases: Vec<Case>,
    pub stage: RoundStage,
    pub attempts: usize,
}

pub struct Case {
    pub delivered: Delivered,
    pub done: bool,
}

#[derive(Default)]
pub enum RoundStage {
    #[default]
    Duplicates,
    Decide {
        decisions: Vec<StockDecision>,
        /// SKUs looked up since the round began.
        exact: [bool; 2],
    },
    Commit(Vec<StockDecision>),
    Ack,
}

/// The decision over one event.
#[derive(Clone)]
pub struct StockDecision {
    pub event: EventNo,
    pub no: OrderNo,
    /// Units of each SKU; 0 for a refused order.
    pub taken: [u32; 2],
    pub reply: EventNo,
}

/// A level on its way from the database to a product, which others may overtake.
pub struct LateLevel {
    pub sku: usize,
    pub level: Level,
}
