//! The operations API (ADMIN only), the probe behind `/readyz`, and the watch of the token keys.

mod actor;
mod audit;
mod desk;
mod faults;
mod key_watch;
mod metrics;
mod recoveries;
mod routes;

pub use actor::{Operations, OpsError, OpsSources, StreamSources, start};
pub use key_watch::KeyWatch;
pub use routes::{OpsApi, routes};
