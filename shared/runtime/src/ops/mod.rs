//! The operations API every service has (ADMIN only), and the probe behind `/readyz`.
//!
//! `shopctl` uses only this. Handlers message the [`Operations`] actor, which lives on the arbiter of the
//! streams.

mod actor;
mod desk;
mod faults;
mod openapi;
mod routes;

pub use actor::{Operations, OpsError, OpsSources, StreamSources, start};
pub use openapi::describe;
pub use routes::{OpsApi, routes};
