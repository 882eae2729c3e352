//! One stream a file.

mod order_completed;

pub use order_completed::OrderCompletedHandler;
