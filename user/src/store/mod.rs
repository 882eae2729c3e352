//! All SQL of this service.

pub mod accounts;
pub mod clients;
pub mod deletions;
pub mod login_attempts;
pub mod rate_limits;
pub mod revocations;
pub mod sessions;
pub mod signing_keys;
