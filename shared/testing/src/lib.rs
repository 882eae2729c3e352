//! The testing kit: real servers, tokens, and waiting without luck.
//!
//! One PostgreSQL serves all tests of a test process, a database each; every test that needs Redis has one of
//! its own, because tests flush, stop and kill it. Everything here panics where a service would return an
//! error: a test that cannot set its stage has nothing else to say.

mod bench;
mod conformance;
mod eventually;
mod servers;
mod settings;
mod tokens;

pub use bench::{DurablePostgres, timed};
pub use conformance::a_repeated_event_is_a_duplicate;
pub use eventually::{Probe, eventually};
pub use servers::{TestDatabase, TestRedis, postgres, redis_connection};
pub use settings::{database_settings, stream_settings};
pub use tokens::Signer;
