//! The audit trail: who did what to what, from where, when and with which outcome.
//!
//! ```text
//!  edge of HTTP ─┬─ done by somebody known: waits ──> writer ──> table `audit`
//!                ├─ refused or failed: bounded, no wait ──┘
//!                └─ each of them: one log line of the target `audit`
//! ```
//!
//! An act that is done cannot be undone, so its answer goes out even if its record is lost. A loss is counted
//! (`orderflow_audit_lost_total`), and the log line stays. The trail has a [`Database`](crate::db::Database) of
//! its own: no fault of it makes a service unready.

mod counters;
mod record;
mod refusals;
mod retention;
mod settings;
mod store;
mod trail;

pub use record::{Act, Caller, Outcome};
pub use retention::forget_old;
pub use settings::AuditSettings;
pub use store::{Filter, Position, StoredRecord, record_command};
pub use trail::AuditTrail;
