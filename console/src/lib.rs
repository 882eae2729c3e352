//! The operations console: pages that show the saga and let an operator act on it.
//!
//! ```text
//!   browser ── cookie ──> console ── bearer token ──> user, inventory, payment
//!              HTML, SSE    │ sessions: tokens by cookie, in memory
//!                           │ live: one snapshot of the system a second, while somebody watches
//! ```
//!
//! It speaks HTTP to the services, as any client does. A restart loses nothing but logins.

mod answer;
mod api;
mod assets;
mod bulk;
mod chart;
mod edge;
mod failure;
mod frame;
mod health;
mod live;
mod pages;
mod sampler;
mod server;
mod session;
pub mod settings;
mod site;
mod sse;
mod text;
mod tls;
mod verifier;
mod viewer;

pub use health::check;
pub use server::{Running, bind};
