//! Values of options and variables. Each kind is read by one rule everywhere; its error has an example.

mod count;
mod database_url;
mod duration;
mod email;
mod redis_url;
mod secret;
mod service_url;
mod share;
mod sku;
mod time;

pub use count::{above_zero, at_least_one};
pub use database_url::database_url;
pub use duration::duration;
pub use email::email;
pub use redis_url::redis_url;
pub use secret::Secret;
pub use service_url::service_url;
pub use share::{quarter, share};
pub use sku::sku;
pub use time::time;
