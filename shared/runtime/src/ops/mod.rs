//! The operations API every service has (ADMIN only), and the probe behind `/readyz`.
//!
//! `shopctl` uses only this. Handlers message the [`Operations`] actor, which lives on the arbiter of the
//! streams.

mod actor;
mod faults;
mod routes;

use routes::Desk;

pub use actor::{Operations, OpsError, OpsSources, StreamSources, start};
pub use routes::{OpsApi, routes};
