//! All SQL of this service.

pub mod accounts;
pub mod signing_keys;
