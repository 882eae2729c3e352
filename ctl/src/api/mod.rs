//! `shopctl` uses the same endpoints as any client.

mod accounts;
mod audit;
mod catalogue;
mod client;
mod clients;
mod error;
mod keys;
mod list;
mod money;
mod operations;
mod orders;
mod stock;

pub use accounts::{Account, Tokens};
pub use audit::AuditRecord;
pub use catalogue::{NewProduct, Product};
pub use client::{Api, Endpoints, http_client};
pub use clients::OauthClient;
pub use error::{ApiError, FieldError, Problem, innermost};
pub use keys::SigningKey;
pub use list::Listed;
pub use money::Money;
pub use operations::{DeadLetter, Redriven, Stream, owner_of_stream};
pub use orders::{Item, Line, Order, Transition};
pub use stock::{Movement, Stock};
