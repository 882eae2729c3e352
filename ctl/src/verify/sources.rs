//! The addresses and the evidence that `verify` reads.

use std::path::PathBuf;

/// Where the truth is.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The database of `user`, as a URL.
    pub user_database: String,
    /// The database of `inventory`.
    pub inventory_database: String,
    /// The database of `payment`, with the provider's books.
    pub payment_database: String,
    /// Redis, as a URL.
    pub redis: String,
}

/// What else is known.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// For I3, I6 (polled states), I8, I9 and I11.
    pub client_log: Option<PathBuf>,
}
