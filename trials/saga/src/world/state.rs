use inventory::domain::Shelf;
use payment::domain::{Order, OrderStatus, PaymentMethod, ResponseKind};

use super::memory::{
    Cashier, Client, HeldEvent, LateLevel, OrderNo, Relay, Request, Round, Settlement, Statement,
    StockDecision,
};
use super::reached::Reached;
use super::violation::Violation;
use crate::random::Random;
use crate::redis::{EntryNo, EventNo, Redis};
use crate::rules::Rules;
use crate::shop::{SKUS, Shop};

/// Two of payment, two of inventory. A consumer's name is this number.
pub const PROCESSES: usize = 4;
pub const INVENTORY: usize = 2;
pub struct World<'a> {
    pub shop: &'a Shop,
    pub rules: Rules,
    pub random: Random,
    /// False in the fair phase.
    pub faulty: bool,
    pub fault_odds: usize,
    pub clients: Vec<Client>,
    pub restocks: Vec<Restock>,
    pub started_with: [u32; 2],
    pub next_order: OrderNo,
    pub next_entry: EntryNo,

    // Payment's database.
    pub orders: Vec<Placed>,
    pub keys: Vec<Key>,
    pub payment_inbox: Vec<EventNo>,
    /// Payment's outbox. Inventory keeps its replies in its inbox.
    pub outbox: Vec<OutboxRow>,
    // The provider's books: order and amount.
    pub charges: Vec<(OrderNo, i64)>,
    pub refunds: Vec<(OrderNo, i64)>,
    // Inventory's database.
    pub on_hand: [i64; 2],
    pub ledger: Vec<LedgerRow>,
    pub stock_inbox: Vec<(EventNo, EventNo)>,
    /// Statements that may still be committed after their client lost them.
    pub lingering: Vec<Lingering>,

    pub redis: Redis,
    pub redis_saved: Redis,
    /// Entries that were delivered too often.
    pub dead_letters: Vec<EntryNo>,
    pub events: Vec<Event>,

    pub processes: [Process; PROCESSES],
    pub reached: [u32; Reached::COUNT],
    pub changed: bool,
    pub changed_position: bool,
    pub violation: Option<Violation>,
    pub trace: Option<Vec<String>>,
}

pub struct Placed {
    pub no: OrderNo,
    pub client: usize,
    pub cart: usize,
    pub order: Order,
    /// Every status, in order.
    pub history: Vec<OrderStatus>,
    /// Supply at the time of the charge.
    pub supply: [u32; 2],
    /// Version and status at the last check.
    pub seen: (usize, OrderStatus),
}

pub struct Key {
    pub client: usize,
    pub body: u8,
    pub no: OrderNo,
    pub answer: Option<ResponseKind>,
}

pub struct LedgerRow {
    pub sku: usize,
    pub delta: i64,
    /// `None` for a restock.
    pub taken_for: Option<(OrderNo, EventNo)>,
}

pub struct OutboxRow {
    pub event: EventNo,
    pub due: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Event {
    pub stream: usize,
    pub no: OrderNo,
    pub cart: usize,
    pub cause: Option<EventNo>,
}

pub struct Restock {
    pub sku: usize,
    pub quantity: u32,
    /// The row of its idempotency key.
    pub booked: bool,
    pub answered: bool,
}

pub enum Lingering {
    Settlement(Settlement),
    Outcome(Statement),
    Stock(Vec<StockDecision>),
}

/// Lost in a crash.
#[derive(Default)]
pub struct Process {
    /// Steps for which the process is stopped.
    pub frozen: usize,
    pub relay: Relay,
    // Payment.
    pub requests: Vec<Request>,
    pub cashier: Cashier,
    pub hands: [Option<HeldEvent>; 2],
    // Inventory.
    pub shelves: [Option<Shelf>; 2],
    pub round: Round,
    pub late: Vec<LateLevel>,
}

impl Restock {
    pub fn draw(random: &mut Random) -> Self {
        Self {
            sku: random.below(SKUS.len()),
            quantity: 1 + random.below(3) as u32,
            booked: false,
            answered: false,
        }
    }
}

impl<'a> World<'a> {
    /// Draws a world, and the number of its random steps.
    pub fn new(shop: &'a Shop, rules: Rules, seed: u64) -> (Self, usize) {
        let mut random = Random::new(seed);
        let orders = 2 + random.below(3);
        let clients: Vec<_> = (0..orders).map(|_| Client::draw(&mut random, shop.goods.len())).collect();
        let restocks = (0..random.below(3)).map(|_| Restock::draw(&mut random)).collect();
        let started_with = [random.below(6) as u32, random.below(6) as u32];
        let fault_odds = [0, 1, 2, 5][random.below(4)];
        let steps = 60 + random.below(160);
        let world = Self {
            shop,
            rules,
            random,
            faulty: fault_odds > 0,
            fault_odds,
            clients,
            restocks,
            started_with,
            next_order: 1,
            next_entry: 1,
            orders: Vec::with_capacity(orders),
            keys: Vec::with_capacity(orders),
            payment_inbox: Vec::new(),
            charges: Vec::new(),
            refunds: Vec::new(),
            on_hand: started_with.map(i64::from),
            ledger: Vec::new(),
            stock_inbox: Vec::new(),
            outbox: Default::default(),
            lingering: Vec::new(),
            redis: Redis::default(),
            redis_saved: Redis::default(),
            dead_letters: Vec::new(),
            events: Vec::new(),
            processes: Default::default(),
            reached: [0; Reached::COUNT],
            changed: true,
            changed_position: false,
            violation: None,
            trace: None,
        };
        (world, steps)
    }

    pub(super) fn new_order(&mut self) -> OrderNo {
        self.next_order += 1;
        self.next_order - 1
    }

    pub(super) fn new_event(&mut self, event: Event) -> EventNo {
        self.events.push(event);
        self.events.len() - 1
    }

    pub(super) fn find(&self, no: OrderNo) -> Option<&Placed> {
        self.orders.iter().find(|placed| placed.no == no)
    }

    pub(super) fn find_mut(&mut self, no: OrderNo) -> Option<&mut Placed> {
        self.orders.iter_mut().find(|placed| placed.no == no)
    }

    /// Happens once in `odds` times `fault_odds`.
    pub(super) fn fault(&mut self, odds: usize) -> bool {
        self.faulty && self.random.one_in(odds * self.fault_odds)
    }

    pub(super) fn reach(&mut self, what: Reached) {
        self.reached[what as usize] += 1;
    }

    pub(super) fn note(&mut self, step: impl FnOnce() -> String) {
        if let Some(trace) = self.trace.as_mut() {
            trace.push(step());
        }
    }

    pub(super) fn method(&self, client: usize) -> PaymentMethod {
        self.clients[client].method
    }
}

pub fn name(process: usize) -> &'static str {
    ["payment-0", "payment-1", "inventory-0", "inventory-1"][process]
}
