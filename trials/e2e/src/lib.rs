mod binaries;
mod client;
mod collector;
mod deadline;
pub mod guides;
mod http_response;
mod metrics;
mod orders;
mod shop;

pub use binaries::service_binaries;
pub use client::{Client, send};
pub use collector::{Collector, Span};
pub use deadline::SOON;
pub use http_response::HttpResponse;
pub use metrics::Metrics;
pub use orders::{Order, key};
pub use shop::{Shop, first};
pub use testing::eventually;
