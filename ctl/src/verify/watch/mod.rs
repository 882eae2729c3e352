//! Looks at the invariants all the time, and says so over HTTP.
//!
//! ```text
//!   coverage ── which orders, products, rows ──> books ── payment, inventory ──┐
//!      ^ open ones, next page                    owners ── user                ├─ report ─> board ─> /invariants
//!      └────────────── done ──────────────────── catalogues                    │                     /metrics
//!                                                lost events ── Redis ─────────┘
//! ```
//!
//! | kind | checked |
//! | --- | --- |
//! | orders that are new or open | at each look |
//! | older orders, products, stock ledger | page by page at each look, all of them within a day |
//! | what was found | at the next quarter of a look, and then at each look |
//!
//! Guarantee: an invariant is broken once two looks found the same contradiction, and well again once a look
//! no longer finds it. A part of a look that gets no answer makes its invariants unknown; the rest goes on.

mod board;
mod books;
mod coverage;
mod http;
mod lost_events;
mod metrics;
mod options;
mod part;
mod run;
mod servers;
mod shown;
mod state;

pub use http::{Pages, serve};
pub use options::Options;
pub use run::watch;
