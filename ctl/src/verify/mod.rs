//! Judges the invariants I1 to I12 by the three databases, the books of the provider, the streams and a
//! client log.
//!
//! `chaos` judges I13 to I15, which concern the course of a run, by its samples.
//!
//! The check only reads. On a live system it judges the completed work and reports the work in flight.
//! Reading from each effect back to its cause makes that safe. First come the client log and the streams,
//! then payment (t1), then inventory (t2). Payment is read again (t3) for the orders in flight.
//!
//! | observed | consequence |
//! | --- | --- |
//! | `ok` in the log | the order exists at t1 |
//! | read and acknowledged in a stream | the inbox row exists at t1, or t2 |
//! | `confirmed` at t1 | the ledger has its rows at t2 |
//! | in the ledger at t2 | the order is paid at t3, and never refunded |

mod catalogues;
mod client_history;
mod client_keys;
mod connection;
mod database;
mod error;
mod events;
mod facts;
mod findings;
mod history;
mod keys;
mod ledger;
mod money;
mod order_row;
mod orders;
mod pending_work;
mod report;
mod run;
mod sampler;
mod sources;
mod streams;
mod timeline;
mod verdict;

pub use catalogues::disagreements;
pub use error::VerifyError;
pub use pending_work::pending_work;
pub use report::render;
pub use run::verify;
pub use sampler::Sampler;
pub use sources::{Evidence, Sources};
pub use verdict::{Check, Judgement, Verdict};
