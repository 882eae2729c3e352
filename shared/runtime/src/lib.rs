//! The runtime of a service: everything that `user`, `inventory` and `payment` share. It is independent of
//! the shop.
//!
//! | module | contents |
//! | --- | --- |
//! | [`settings`] | flags, environment and file in one typed read; all errors at once |
//! | [`telemetry`] | logs, W3C trace context, spans, Prometheus metrics |
//! | [`supervisor`] | a fresh actor from its factory after panic, error or stop |
//! | [`process`], [`shutdown`] | the `main` of every service; the causes of its end, and its deadline |
//! | [`db`] | PostgreSQL pools, locked migrations, group commit |
//! | [`outbox`], [`inbox`] | effect, inbox row and outbox row in one transaction; the relay |
//! | [`stream`] | the only Redis Streams code in the repository: consumers, dead letters |
//! | [`auth`] | local verification of tokens, extractors for roles |
//! | [`http`] | server, problem+json, health, OpenAPI page |
//! | [`ops`] | the operations API of every service |
//! | [`service`] | the frame of a service: starts all this, serves, and takes it down |
//! | [`failpoint`] | points at which a process dies in a trial; empty in ordinary builds |

pub mod auth;
pub mod db;
pub mod failpoint;
pub mod http;
pub mod inbox;
pub mod ops;
pub mod outbox;
pub mod process;
pub mod service;
pub mod settings;
pub mod shutdown;
pub mod stream;
pub mod supervisor;
pub mod telemetry;
mod tls;
