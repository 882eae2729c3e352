//! Faults, injected on purpose into a stack of its own, and the verdict on what was left.

pub mod proxy;
pub mod requests;
