use crate::api::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the plan of the load is invalid: {0}")]
    Plan(&'static str),
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
    #[error(transparent)]
    Account(#[from] ApiError),
    #[error("`{0}` is not the id of an account; check the address of the service `user`")]
    AccountId(String),
    #[error(
        "cannot create the product {sku}: {why}; check the address of `inventory` and the role of the account"
    )]
    NotCreated {
        sku: String,
        /// Code of the problem, or error of the connection.
        why: String,
    },
}
