//! The services, as the console calls them: one file for each kind of thing, over one client.

mod call;
mod client;
mod error;

pub mod accounts;
pub mod audit;
pub mod dead_letters;
pub mod faults;
pub mod login;
pub mod operations;
pub mod orders;
pub mod products;

pub use call::{Call, Service};
pub use client::{Api, Credentials};
pub use error::{ApiError, FieldError};

use serde::Deserialize;

/// A page of a list.
#[derive(Debug, Clone, Deserialize)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub next_cursor: Option<String>,
}

/// The rows of a page.
const ROWS: &str = "50";
