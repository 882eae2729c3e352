//! The test kit: real servers, tokens, and waits.
//!
//! Tests share one PostgreSQL per process, a database each. Redis is their own, because they flush, stop and
//! kill it. Functions panic when a server fails.

mod bench;
mod conformance;
mod eventually;
mod servers;
mod settings;
mod tokens;

pub use ::servers::through_port;
pub use bench::{DurablePostgres, timed};
pub use conformance::a_repeated_event_is_a_duplicate;
pub use eventually::{Probe, eventually};
pub use servers::{TestDatabase, TestRedis, postgres, redis_connection};
pub use settings::{database_settings, stream_settings};
pub use tokens::Signer;
