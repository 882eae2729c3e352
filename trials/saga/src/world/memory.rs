//! Customers, and the memory of an instance, lost in a crash.

use inventory::domain::Level;
use payment::domain::{Order, OrderStatus, PaymentMethod, ResponseKind};

use crate::random::Random;
use crate::redis::{Delivered, EventNo};

/// An order's UUID as a number: 1, 2, …
pub type OrderNo = u128;

/// A customer with one idempotency key.
pub struct Client {
    pub cart: usize,
    pub method: PaymentMethod,
    pub waits: bool,
    /// Also sends another body.
    pub careless: bool,
    pub asked: bool,
    /// The first 2xx, with the sent body.
    pub answered: Option<(u8, ResponseKind, Order)>,
    /// The key was used for the other body.
    pub refused: bool,
}

pub struct Request {
    pub client: usize,
    pub body: u8,
    pub no: OrderNo,
    pub stage: RequestStage,
}

pub enum RequestStage {
    Commit,
    /// With `key_unique` broken.
    Insert,
    /// `Prefer: wait`.
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

#[derive(Clone)]
pub struct Settlement {
    pub no: OrderNo,
    /// `None` for a declined charge.
    pub event: Option<EventNo>,
}

pub struct HeldEvent {
    pub delivered: Delivered,
    pub stage: ApplyStage,
}

#[derive(Clone)]
pub enum ApplyStage {
    /// A refund looks at the order first.
    Fresh,
    /// The order is paid and undecided.
    AskRefund,
    Begin,
    Commit(Statement),
    Ack,
}

/// Holds the snapshot of its start. Writes are checked against later data (READ COMMITTED).
#[derive(Clone)]
pub struct Statement {
    pub event: EventNo,
    pub known: bool,
    pub status: Option<OrderStatus>,
}

#[derive(Default)]
pub struct Relay {
    pub queue: Vec<EventNo>,
    /// Published events whose rows are deleted.
    pub forget: Vec<EventNo>,
}

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

#[derive(Clone)]
pub struct StockDecision {
    pub event: EventNo,
    pub no: OrderNo,
    /// Units of each SKU; 0 for a refused order.
    pub taken: [u32; 2],
    pub reply: EventNo,
}

/// A level from the database, which others may overtake.
pub struct LateLevel {
    pub sku: usize,
    pub level: Level,
}
