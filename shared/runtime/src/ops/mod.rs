//! The operations API (ADMIN only), and the probe behind `/readyz`.

mod actor;
mod desk;
mod faults;
mod openapi;
mod routes;

pub use actor::{Operations, OpsError, OpsSources, StreamSources, start};
pub use openapi::describe;
pub use routes::{OpsApi, routes};
