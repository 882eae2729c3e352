//! Every order reaches one end, even if messages are lost, doubled or reordered and processes are killed.
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
//! The services' domain code is real; SQL, actors, the provider, Redis and `shared` are modelled. A seed draws
//! the steps and the faults. Time is left out: a resend, a claim or the reconciler may come at any moment.
//! `SAGA_SEED` selects a schedule (`docs/reliability.md`).

pub mod random;
pub mod redis;
pub mod rules;
pub mod schedules;
pub mod shop;
pub mod world;
