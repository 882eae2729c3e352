//! The runtime of a service: everything that is the same in `user`, `inventory` and `payment`. It knows
//! nothing of shops.
//!
//! | module | what it gives |
//! | --- | --- |
//! | [`settings`] | flags, environment and file in one typed read, all errors at once |
//! | [`telemetry`] | logs, W3C trace context, Prometheus metrics |
//! | [`supervisor`] | a fresh actor from its factory after panic, error or stop |
//! | [`process`], [`shutdown`] | the `main` of every service; what ends it, and in which order it goes down |
//! | [`db`] | PostgreSQL pool, locked migrations, group commit |
//! | [`outbox`], [`inbox`] | effect, inbox row and outbox row in one transaction; the relay |
//! | [`stream`] | the only Redis Streams code in the repository: consumer, dead letters |
//! | [`auth`] | tokens verified locally, extractors for roles |
//! | [`http`] | server, problem+json, health, OpenAPI page |
//! | [`ops`] | the operations API every service has |
//! | [`service`] | the frame of a service: starts all this, serves, and takes it down |
//! | [`failpoint`], [`seeded_bug`] | rehearsals: where a process can be made to die, and mistakes put back; empty in ordinary builds |

pub mod auth;
pub mod db;
pub mod failpoint;
pub mod http;
pub mod inbox;
pub mod ops;
pub mod outbox;
pub mod process;
pub mod seeded_bug;
pub mod service;
pub mod settings;
pub mod shutdown;
pub mod stream;
pub mod supervisor;
pub mod telemetry;
mod tls;
