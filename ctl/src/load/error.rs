use crate::api::ApiError;

/// The reason why a load cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The plan is invalid.
    #[error("the plan of the load is invalid: {0}")]
    Plan(&'static str),
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// An account cannot be registered or logged in.
    #[error(transparent)]
    Account(#[from] ApiError),
    /// `user` returned an account id that is no UUID.
    #[error("`{0}` is not the id of an account; check the address of the service `user`")]
    AccountId(String),
    /// A product cannot be created.
    #[error(
        "cannot create the product {sku}: {why}; check the address of `inventory` and the role of the account"
    )]
    NotCreated {
        /// The first such product.
        sku: String,
        /// The code of the problem, or the error of the connection.
        why: String,
    },
}
