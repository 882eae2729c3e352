//! The addresses and the evidence that `verify` reads.

use std::path::PathBuf;

/// The addresses to read from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The database of `user`, as a URL.
    pub user_database: String,
    /// The database of `inventory`.
    pub inventory_database: String,
    /// The database of `payment`, with the books of the provider.
    pub payment_database: String,
    /// Redis, as a URL.
    pub redis: String,
}

/// Evidence beside the databases and streams.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The client log, for I3, I6 (polled states), I8, I9 and I11.
    pub client_log: Option<PathBuf>,
}
