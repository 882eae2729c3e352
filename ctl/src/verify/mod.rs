//! The invariants I1 to I12: judged from the three databases, the provider's books, the streams and a
//! client's log.
//!
//! I13 to I15 are about what happens meanwhile: `chaos` judges them from its samples.
//!
//! It only reads. On a live system it judges what can be judged and says what cannot before it is quiet. What
//! makes that safe is the order of reading, always from the effect back to its cause: first the client's log
//! and the streams, then payment (t1), then inventory (t2), and payment once more (t3) for the orders that
//! were still on their way.
//!
//! | known at | therefore |
//! | --- | --- |
//! | `ok` in the log | the order is there at t1 |
//! | read and acknowledged in a stream | the inbox row is there at t1, or t2 |
//! | `confirmed` at t1 | the ledger has it at t2 |
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
