//! The world of one schedule.

mod cashier;
mod clients;
mod faults;
mod invariants;
mod memory;
mod outcomes;
mod reached;
mod relay;
mod run;
mod state;
mod stock;
mod violation;

pub use reached::Reached;
pub use state::World;
pub use violation::Violation;
