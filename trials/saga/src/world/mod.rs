//! The world of one schedule: what is durable, what is in memory, and who may take the next step.

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
