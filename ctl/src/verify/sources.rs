use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct Sources {
    /// Address as a URL.
    pub user_database: String,
    pub inventory_database: String,
    /// Includes the provider's books.
    pub payment_database: String,
    /// Address as a URL.
    pub redis: String,
}

#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Evidence for I3, I6, I8, I9 and I11.
    pub client_log: Option<PathBuf>,
}
