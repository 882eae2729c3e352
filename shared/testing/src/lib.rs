//! The test kit: real servers, tokens, and waits for conditions.
//!
//! One PostgreSQL serves all tests of a test process, with one database for each test. Each test that uses
//! Redis has its own server, because tests flush, stop and kill it. The functions panic where a service would
//! return an error: a test without its servers has no result.

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
