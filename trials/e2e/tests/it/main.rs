//! The shop end to end: real service processes and servers, a stack for each test.

mod accounts;
mod authorisation;
mod bench;
mod canary;
mod catalogue;
mod claims;
mod faults;
mod idempotency;
mod inputs;
mod journey;
mod keys;
mod limits;
mod load;
mod oauth;
mod operations;
mod outages;
mod overload;
mod proxy;
mod rehearsals;
mod requests;
mod rights;
mod sessions;
mod settings;
mod shutdown;
mod traces;
mod verify;
