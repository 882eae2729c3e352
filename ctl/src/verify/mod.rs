//! Judges I1 to I12 and writes nothing; `chaos` judges I13 to I15. On a live system, effects are read before
//! their causes: client log and streams, payment (t1), inventory (t2), payment again (t3) for orders in
//! flight.
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
mod in_progress;
mod keys;
mod ledger;
mod ledger_sample;
mod levels;
mod money;
mod order_row;
mod orders;
mod pending_work;
mod report;
mod run;
mod sampler;
mod scope;
mod sources;
mod streams;
mod timeline;
mod verdict;
pub mod watch;

pub use catalogues::disagreements;
pub use error::VerifyError;
pub use pending_work::pending_work;
pub use report::render;
pub use run::verify;
pub use sampler::Sampler;
pub use sources::{Evidence, Sources};
pub use verdict::{Check, Judgement, Verdict};
