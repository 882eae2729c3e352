//! Limits by key: how often (`RateLimit`) and how much at a time (`Shares`). Both are of this process.
//!
//! Guarantee: memory is bounded whatever the number of keys, and a limit that forgets a key admits it anew once.

mod policy;
mod rate_limit;
mod shares;

pub use policy::{Policy, TooMany};
pub use rate_limit::RateLimit;
pub use shares::{Share, Shares};
