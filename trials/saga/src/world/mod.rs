//! The world of one schedule: what is durable, what is in memory, and who may take the next step.

mod cashier;
mod clients;
mod faults;
mod invariants;
mod outcomes;
mod reached;
mod relay;
mod stock;

use inventory::domain::Shelf;
use payment::domain::{Order, OrderStatus, PaymentMethod, ResponseKind};

use crate::{
    random::Random,
    redis::{EntryNo, EventNo, Redis},
    rules::Rules,
    shop::Shop,
};
pub use invariants::Violation;
pub use reached::Reached;

/// Instances: two of payment, two of inventory. A consumer's name in its group is this number.
const PROCESSES: usize = 4;
const INVENTORY: usize = 2;
/// Rounds of the fair phase; a few are enough for everything that can move.
const FAIR_ROUNDS: usize = 30;
/// Steps of one process in one fair round: more means that it goes in circles.
const FAIR_STEPS: usize = 500;

/// An order's id: 1, 2, … as a UUID.
pub type OrderNo = u128;

pub struct World<'a> {
    pub shop: &'a Shop,
    rules: Rules,
    random: Random,
    /// False in the fair phase.
    faulty: bool,
    /// One fault in so many chances: each schedule has its own weather.
    weather: usize,
    clients: Vec<clients::Client>,
    restocks: Vec<Restock>,
    started_with: [u32; 2],
    next_order: OrderNo,
    next_entry: EntryNo,

    // Payment's database.
    orders: Vec<Placed>,
    keys: Vec<Key>,
    settled_inbox: Vec<EventNo>,
    /// Of payment: inventory's replies are in its inbox, and `product_changed` is not in this model.
    outbox: Vec<OutboxRow>,
    // The provider's books: order and amount.
    charges: Vec<(OrderNo, i64)>,
    refunds: Vec<(OrderNo, i64)>,
    // Inventory's database.
    on_hand: [i64; 2],
    ledger: Vec<LedgerRow>,
    stock_inbox: Vec<(EventNo, EventNo)>,
    /// Statements whose client is gone or tries again; the server may still commit them.
    lingering: Vec<Lingering>,

    redis: Redis,
    redis_saved: Redis,
    /// Entries that were delivered too often, crash after crash.
    dead_letters: Vec<EntryNo>,
    events: Vec<Event>,

    processes: [Process; PROCESSES],
    pub reached: [u32; Reached::COUNT],
    changed: bool,
    changed_position: bool,
    violation: Option<Violation>,
    /// Steps in words, for the report of a failure.
    pub trace: Option<Vec<String>>,
}

/// A row of `orders`: the service's own type.
struct Placed {
    no: OrderNo,
    client: usize,
    cart: usize,
    order: Order,
    /// Every status it had, in order.
    history: Vec<OrderStatus>,
    /// What had come in of each SKU when it was paid.
    supply: [u32; 2],
    /// As the last check saw it.
    seen: (usize, OrderStatus),
}

struct Key {
    client: usize,
    body: u8,
    no: OrderNo,
    answer: Option<ResponseKind>,
}

struct LedgerRow {
    sku: usize,
    delta: i64,
    /// Of an order; a restock has none.
    taken_for: Option<(OrderNo, EventNo)>,
}

struct OutboxRow {
    event: EventNo,
    due: bool,
}

/// An envelope.
#[derive(Debug, Clone, Copy)]
struct Event {
    stream: usize,
    no: OrderNo,
    cart: usize,
    cause: Option<EventNo>,
}

struct Restock {
    sku: usize,
    quantity: u32,
    /// The row of its idempotency key.
    booked: bool,
    answered: bool,
}

enum Lingering {
    Settlement(cashier::Settlement),
    Outcome(outcomes::Statement),
    Stock(Vec<stock::Ruling>),
}

/// What an instance has in memory: gone with a crash.
#[derive(Default)]
struct Process {
    /// Steps for which it is stopped.
    frozen: usize,
    relay: relay::Relay,
    // Payment.
    requests: Vec<clients::Request>,
    cashier: cashier::Cashier,
    hands: [Option<outcomes::Hand>; 2],
    // Inventory.
    shelves: [Option<Shelf>; 2],
    round: stock::Round,
    late: Vec<stock::Late>,
}

impl<'a> World<'a> {
    /// A world drawn from `seed`: customers, carts, stock, weather.
    pub fn new(shop: &'a Shop, rules: Rules, seed: u64) -> (Self, usize) {
        let mut random = Random::new(seed);
        let orders = 2 + random.below(3);
        let clients: Vec<_> =
            (0..orders).map(|_| clients::Client::draw(&mut random, shop.goods.len())).collect();
        let restocks = (0..random.below(3)).map(|_| Restock::draw(&mut random)).collect();
        let started_with = [random.below(6) as u32, random.below(6) as u32];
        let weather = [0, 1, 2, 5][random.below(4)];
        let steps = 60 + random.below(160);
        let world = Self {
            shop,
            rules,
            random,
            faulty: weather > 0,
            weather,
            clients,
            restocks,
            started_with,
            next_order: 1,
            next_entry: 1,
            orders: Vec::with_capacity(orders),
            keys: Vec::with_capacity(orders),
            settled_inbox: Vec::new(),
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

    /// The random phase, `steps` long; then the fair one, and the invariants of a quiet system.
    pub fn run(&mut self, steps: usize) -> Result<(), Violation> {
        for _ in 0..steps {
            self.random_step();
            self.check_safety()?;
        }
        self.faulty = false;
        self.weather = 0;
        self.note(|| "-- faults end, everybody runs --".to_owned());
        self.fair_phase()?;
        self.check_quiet()
    }

    /// One step of one process, a customer, an operator, or a fault.
    fn random_step(&mut self) {
        if self.fault(12) {
            self.strike();
        }
        match self.random.below(12) {
            0 => self.clients_step(),
            1 => self.world_step(),
            _ => {
                let process = self.random.below(PROCESSES);
                let thread = self.random.below(8);
                let held = std::mem::replace(&mut self.processes[process].frozen, 0);
                self.processes[process].frozen = held.saturating_sub(1);
                // Look for something it can do, from a random thread on.
                let _ = held > 0 || (0..8).any(|next| self.thread_step(process, (thread + next) % 8));
            }
        }
    }

    /// One atomic step of one of a process' concurrent activities; false when it has nothing to do.
    fn thread_step(&mut self, process: usize, thread: usize) -> bool {
        match (process < INVENTORY, thread) {
            (_, 0) => self.publish(process),
            (_, 1) => self.sweep(process),
            (true, 2) => self.request_step(process),
            (true, 3 | 4) => self.cashier_step(process),
            (true, 5 | 6) => self.outcome_step(process, thread - 5),
            (false, 2) => self.late_step(process),
            (false, 3..=6) => self.stock_step(process),
            _ => false,
        }
    }

    /// Slow things: time passes, statements end on their own, somebody restocks, entries are claimed.
    fn world_step(&mut self) {
        match self.random.below(5) {
            0 => self.time_passes(false),
            1 => self.statement_ends(),
            2 => self.restock(),
            3 => self.claim(),
            _ => self.reconcile(),
        }
    }

    fn fair_phase(&mut self) -> Result<(), Violation> {
        self.processes.iter_mut().for_each(|process| process.frozen = 0);
        while !self.lingering.is_empty() {
            self.statement_ends();
            self.check_safety()?;
        }
        for _ in 0..FAIR_ROUNDS {
            self.time_passes(true);
            self.restock();
            self.clients_ask_again();
            (0..INVENTORY).for_each(|process| self.reconcile_in(process));
            for process in 0..PROCESSES {
                self.run_dry(process)?;
            }
            if self.is_quiet() {
                return Ok(());
            }
        }
        Err(Violation::new(
            "I4 one end: stuck",
            format!("still moving after {FAIR_ROUNDS} fair rounds: {}", self.unrest()),
        ))
    }

    fn run_dry(&mut self, process: usize) -> Result<(), Violation> {
        for _ in 0..FAIR_STEPS {
            if !(0..8).any(|thread| self.thread_step(process, thread)) {
                return Ok(());
            }
            self.check_safety()?;
        }
        Err(Violation::new("I4 one end: stuck", format!("process {process} goes in circles")))
    }

    /// Rows fall due; in the random phase one at a time.
    fn time_passes(&mut self, all: bool) {
        let rows = self.outbox.len();
        if all {
            self.outbox.iter_mut().for_each(|row| row.due = true);
        } else if rows > 0 {
            let row = self.random.below(rows);
            self.outbox[row].due = true;
        }
    }

    fn statement_ends(&mut self) {
        if self.lingering.is_empty() {
            return;
        }
        let which = self.random.below(self.lingering.len());
        let statement = self.lingering.swap_remove(which);
        if self.fault(2) {
            return; // rolled back
        }
        self.note(|| "a statement nobody waits for any more is committed".to_owned());
        match statement {
            Lingering::Settlement(settlement) => _ = self.commit_settlement(&settlement),
            Lingering::Outcome(statement) => _ = self.commit_outcome(&statement),
            Lingering::Stock(rulings) => _ = self.commit_stock(&rulings),
        }
    }

    fn new_order(&mut self) -> OrderNo {
        self.next_order += 1;
        self.next_order - 1
    }

    fn new_event(&mut self, event: Event) -> EventNo {
        self.events.push(event);
        self.events.len() - 1
    }

    fn find(&self, no: OrderNo) -> Option<&Placed> {
        self.orders.iter().find(|placed| placed.no == no)
    }

    fn find_mut(&mut self, no: OrderNo) -> Option<&mut Placed> {
        self.orders.iter_mut().find(|placed| placed.no == no)
    }

    /// Whether the fault of this place happens now: once in `odds` times the weather.
    fn fault(&mut self, odds: usize) -> bool {
        self.faulty && self.random.one_in(odds * self.weather)
    }

    fn reach(&mut self, what: Reached) {
        self.reached[what as usize] += 1;
    }

    fn note(&mut self, step: impl FnOnce() -> String) {
        if let Some(trace) = self.trace.as_mut() {
            trace.push(step());
        }
    }

    fn method(&self, client: usize) -> PaymentMethod {
        self.clients[client].method
    }
}

/// `payment-0` … `inventory-1`.
fn name(process: usize) -> &'static str {
    ["payment-0", "payment-1", "inventory-0", "inventory-1"][process]
}
