//! The stage every test plays on.

mod answer;
mod binaries;
mod client;
mod collector;
mod metrics;
mod orders;
mod shop;

pub use answer::Answer;
pub use binaries::service_binaries;
pub use client::{Client, send};
pub use collector::{Collector, Span};
pub use metrics::Metrics;
pub use orders::{Order, key};
pub use shop::{Shop, first};
pub use testing::eventually;

use std::time::Duration;

/// Whatever must happen soon happens within this time, even in a debug build on two busy cores.
pub const SOON: Duration = Duration::from_secs(60);
