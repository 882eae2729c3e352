use runtime::{
    db::{DbError, MigrationError},
    service,
};

use crate::{
    actors::{AccountsError, HasherError},
    tokens::{KeyError, OpenError},
};

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Service(#[from] service::StartError),
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error("the signing keys cannot be loaded: {0}")]
    Database(#[from] DbError),
    #[error("the database cannot be opened: {0}")]
    Pool(#[from] deadpool_postgres::BuildError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    KeyEncryption(#[from] OpenError),
    #[error("there is no signing key")]
    NoSigningKey,
    #[error("the first ADMIN cannot be created: {0}")]
    FirstAdmin(#[from] AccountsError),
    #[error("the OAuth clients of the settings cannot be stored: {0}")]
    Clients(#[source] DbError),
    #[error(transparent)]
    Hasher(#[from] HasherError),
}
