//! Customers place orders, retry unknown outcomes, and follow each order to its final state.
//!
//! ```text
//! arrivals (+ quota) ──slot──> sender ──accepted──> follow ──final──> stats, report
//!                                │  same key while unknown   long polls
//!                                └── next ready instance of payment, token of the customer ──┘
//! ```

mod arrivals;
mod assortment;
mod backoff;
mod call;
mod customers;
mod error;
mod follow;
mod histogram;
mod inner;
mod instances;
mod plan;
mod quota;
mod report;
mod run;
mod sender;
mod stats;

pub use assortment::Assortment;
pub use error::LoadError;
pub use histogram::Latency;
pub use plan::{Arrivals, LoadPlan, Mix, ServiceUrls};
pub use quota::Quota;
pub use report::LoadReport;
pub use run::Load;
pub use stats::LoadStats;
