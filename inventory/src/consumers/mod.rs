//! The streams this service consumes, one a file.

mod order_completed;

pub use order_completed::OrderCompletedHandler;
