//! Fault injection into a private stack, and the verdict on the result.
//!
//! ```text
//! seed ─> schedule ─┐                      ┌─ sampler (I2, I7)
//!                   v                      v
//!   load ──orders──> arena: stack, a proxy before each server and instance <── faults, one at a time
//!     └─ client log ──────────────┐        │
//!                                 v        v
//!                 quiet? ─> verify (I1 to I12) ─> report
//! ```
//!
//! The run is red when a fault leaves no evidence, or a wait ends at its deadline.

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
mod invariant_watch;
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
