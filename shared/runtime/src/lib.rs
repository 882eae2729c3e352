//! The runtime of `user`, `inventory` and `payment`, independent of the shop. ARCHITECTURE.md lists the
//! modules.

pub use build_info;

pub mod audit;
pub mod auth;
pub mod db;
pub mod failpoint;
pub mod http;
pub mod inbox;
pub mod limits;
pub mod openapi;
pub mod ops;
pub mod outbox;
pub mod process;
pub mod recovery;
pub mod service;
pub mod settings;
pub mod shutdown;
pub mod stream;
pub mod supervisor;
pub mod telemetry;
pub mod tls;
