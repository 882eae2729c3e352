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
mod edge;
mod failure;
mod frame;
mod live;
mod pages;
mod server;
mod session;
pub mod settings;
mod site;
mod sse;
mod text;
mod verifier;
mod viewer;

pub use server::{Running, bind};
