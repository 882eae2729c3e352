//! Faults, injected on purpose into a stack of its own, and the verdict on what was left.
//!
//! ```text
//! seed ─> schedule ─┐                      ┌─ sampler (I2, and nothing acknowledged without its effect)
//!                   v                      v
//!   load ──orders──> arena: stack, a proxy before each server and instance <── faults, one at a time
//!     └─ client log ──────────────┐        │
//!                                 v        v
//!                 quiet? ─> verify (I1 to I12) ─> report
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | [`fault`], [`failpoints`], [`schedule`] | the faults by name, and which of them happens when |
//! | [`arena`], [`profile`], [`folder`], [`small_disk`] | the stack, how patient it is, and what it leaves on disk |
//! | [`faults`] | how each fault is injected, proven and healed |
//! | [`network`], [`proxy`], [`requests`] | networks and clients that misbehave |
//! | [`direct`] | the servers, past the proxies |
//! | [`recovery`], [`buyer`] | how long it takes until all is well again |
//! | [`run`], [`report`], [`live`] | one run from start to verdict |
//!
//! A fault that leaves no evidence of having landed makes the run red, and so does every wait that ends at
//! its deadline.

pub mod arena;
pub mod buyer;
mod conclusion;
pub mod direct;
mod error;
pub mod failpoints;
pub mod fault;
pub mod fault_spec;
pub mod faults;
pub mod folder;
mod load_process;
pub mod network;
mod process_state;
pub mod products;
pub mod profile;
pub mod progress;
pub mod proxy;
mod readiness_probe;
pub mod recovery;
pub mod report;
pub mod requests;
pub mod resource_usage;
pub mod run;
pub mod run_invariants;
mod sampling;
pub mod schedule;
pub mod small_disk;
pub mod sustained_load;

pub use error::ChaosError;
