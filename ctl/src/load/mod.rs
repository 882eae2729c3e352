//! A bounded REST client: customers who order, ask again with the same key when they do not know, and watch
//! every order to its end.
//!
//! It runs against any deployment. Orders are sent at a rate or by a fixed number of workers, over a mix of
//! plentiful, hot and scarce products; what it did and saw goes into a [client log](crate::client_log), and a
//! request is in there before it is sent.
//!
//! ```text
//! pace (+ quota) ──slot──> sender ──accepted──> follow ──ended──> stats, report
//!                            │  same key while unknown   long polls
//!                            └── next ready instance of payment, token of the customer ──┘
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
