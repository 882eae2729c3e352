//! The operations API of every service (ADMIN only), and the probe behind `/readyz`.
//!
//! `shopctl` uses only this API. Handlers message the [`Operations`] actor, which runs on the arbiter of the
//! streams.

mod actor;
mod desk;
mod faults;
mod openapi;
mod routes;

pub use actor::{Operations, OpsError, OpsSources, StreamSources, start};
pub use openapi::describe;
pub use routes::{OpsApi, routes};
