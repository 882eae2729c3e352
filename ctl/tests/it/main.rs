//! The shop end to end: three real service processes on real servers, a stack of its own for every test.

mod authorisation;
mod catalogue;
mod claims;
mod faults;
mod idempotency;
mod journey;
mod limits;
mod operations;
mod outages;
mod overload;
mod rehearsals;
mod settings;
mod shutdown;
mod support;
