//! One file a page: what it asks the services, and what its template shows.

pub mod account_changes;
pub mod accounts;
pub mod audit;
pub mod bulk;
pub mod dead_letters;
mod failure;
pub mod faults;
pub mod invariants;
pub mod login;
pub mod now;
pub mod order;
pub mod orders;
pub mod products;
pub mod shop;
pub mod streams;

pub use failure::failure;
