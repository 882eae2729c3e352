use crate::api::ApiError;

/// Why a load could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The plan cannot be carried out.
    #[error("the plan of the load cannot be carried out: {0}")]
    Plan(&'static str),
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// An account could not be registered or logged in.
    #[error(transparent)]
    Account(#[from] ApiError),
    /// `user` gave an account an id that is none.
    #[error("`{0}` is not an account's id: is this the service `user`?")]
    AccountId(String),
    /// A product could not be created.
    #[error(
        "cannot create the product {sku}: {why}; does the service `inventory` run, and is the login an ADMIN's?"
    )]
    NotCreated {
        /// The first that could not.
        sku: String,
        /// The code of the refusal, or what the connection said.
        why: String,
    },
}
