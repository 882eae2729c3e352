//! The saga as a model: every order reaches one end, whatever is lost, doubled, overtaken or killed on the
//! way.
//!
//! ```text
//!   customers ─POST─> payment 0│1 ──> orders, keys, outbox, inbox        (PostgreSQL: transactions, nothing is lost)
//!                        │  └──────> the provider's books                (committed apart, idempotent by order id)
//!                        v
//!              order_completed ──> inventory 0│1 ──> stock, ledger, inbox with reply
//!                                        │
//!                 stock_reserved │ refund_order ──> payment 0│1          (Redis: may lose everything, or go back in time)
//! ```
//!
//! A schedule is drawn from its seed: the customers and their carts, the stock, the weather, and then which
//! of all possible atomic steps comes next: a statement, a publication, a read, an ack, a crash, a lost
//! reply, a statement that is committed after its client is gone, a process that sleeps and goes on as a
//! zombie, a Redis that is emptied, trimmed or set back. Safety is checked after every step. Then the faults
//! end, everybody runs in turn until nothing moves, and I1 to I10 must hold.
//!
//! | real code of the services | modelled |
//! | --- | --- |
//! | `payment::domain`: cart and prices, `Order`, its transitions, `as_accepted`, `ResponseKind`, `Applied` | the SQL of `payment::store`, `http::place`, `Cashier`, reconciler, the simulated provider |
//! | `inventory::domain`: `Order`, `Shelf` and `Level` (stale views, holds), `Decision` | the SQL of `inventory::store`, `Round` and `Decider`, products |
//! | | `shared`: outbox, relay and sweep, inbox, streams, groups, pending entries, sessions |
//!
//! Time is not modelled: what takes long in reality (a resend, a claim, the reconciler) may come at any
//! moment here. So the model says that orders end, not how soon.
//!
//! - `SAGA_SCHEDULES=n cargo test -p saga`: n schedules instead of 100,000.
//! - `SAGA_SEED=n cargo test -p saga -- --nocapture`: that one, step by step.

pub mod random;
pub mod redis;
pub mod rules;
pub mod schedules;
pub mod shop;
pub mod world;
