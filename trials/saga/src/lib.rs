//! The saga as a model: every order reaches one end, even if messages are lost, doubled or reordered and
//! processes are killed.
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
//! A seed draws a schedule: customers, carts, stock, the odds of faults, and the order of the atomic steps. A
//! step is a statement, a publication, a read, an acknowledgement or a fault. Faults are a crash, a lost
//! reply, a statement that is committed after its client is gone, a zombie, or a Redis that is emptied,
//! trimmed or set back. Safety is checked after every step. Then the faults end, all processes run in turn
//! until they are idle, and I1 to I10 must hold.
//!
//! | real code of the services | modelled |
//! | --- | --- |
//! | `payment::domain`: cart and prices, `Order`, its transitions, `as_accepted`, `ResponseKind`, `Applied` | the SQL of `payment::store`, `http::place`, `Cashier`, reconciler, the simulated provider |
//! | `inventory::domain`: `Order`, `Shelf` and `Level` (stale views, holds), `Decision` | the SQL of `inventory::store`, `Round` and `Decider`, products |
//! | | `shared`: outbox, relay and sweep, inbox, streams, groups, pending entries, sessions |
//!
//! The model leaves time out: slow steps (a resend, a claim, the reconciler) may come at any moment. It shows
//! that orders end, and leaves the latency to chaos and bench.
//!
//! - `SAGA_SCHEDULES=n cargo test -p saga`: n schedules instead of 100,000.
//! - `SAGA_SEED=n cargo test -p saga -- --nocapture`: that one, step by step.

pub mod random;
pub mod redis;
pub mod rules;
pub mod schedules;
pub mod shop;
pub mod world;
