use std::{net::IpAddr, time::Duration};

use runtime::{
    auth::Role,
    db::{Connection, Database, DbError, Failure},
};
use uuid::Uuid;

use super::{HasherError, PasswordHasher};
use crate::{
    domain::{Credentials, Deletion, Email, Password, Registration},
    store::{
        accounts::{self, NewAccount},
        deletions::{self, Deleter},
        revocations,
    },
    tokens::{IssueError, KeyError, NoRandomness},
};

/// The accounts in the database, and the hasher of their passwords.
#[derive(Clone)]
pub struct AccountRepository {
    pub database: Database,
    pub hasher: PasswordHasher,
    /// Limit of retries after an unknown outcome: `commit-deadline`.
    pub deadline: Duration,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum AccountsError {
    #[error("too many passwords are being hashed")]
    Busy,
    #[error(transparent)]
    Database(#[from] Failure),
    #[error("a password could not be hashed")]
    Hashing,
    #[error(transparent)]
    Signing(#[from] IssueError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<HasherError> for AccountsError {
    fn from(error: HasherError) -> Self {
        match error {
            HasherError::Busy => Self::Busy,
            HasherError::Failed => Self::Hashing,
        }
    }
}

impl From<DbError> for AccountsError {
    fn from(error: DbError) -> Self {
        Failure::from(error).into()
    }
}

impl AccountRepository {
    /// Creates an account, unless its e-mail is taken.
    pub async fn create(
        &self,
        source: IpAddr,
        email: Email,
        password: Password,
        role: Role,
    ) -> Result<Registration, AccountsError> {
        let password_hash = self.hasher.hash(source, password).await?;
        let new = NewAccount { id: Uuid::now_v7(), email, password_hash, role };
        Ok(self.until_known(async |connection| accounts::insert(connection, &new).await).await?)
    }

    /// True if `password` is that of `credentials`. Without credentials it takes the same time.
    pub async fn is_right(
        &self,
        source: IpAddr,
        password: Password,
        credentials: Option<&Credentials>,
    ) -> Result<bool, AccountsError> {
        let stored = credentials.map(|credentials| credentials.password_hash.clone());
        Ok(self.hasher.verify(source, password, stored).await?)
    }

    /// See [`deletions::delete`].
    pub async fn delete(&self, id: Uuid, deleter: Deleter<'_>) -> Result<Deletion, DbError> {
        let moment = revocations::after_deletion();
        let delete = async |connection: &_| deletions::delete(connection, id, deleter, moment).await;
        self.until_known(delete).await
    }

    /// See [`Database::until_known`].
    pub async fn until_known<T>(
        &self,
        statement: impl AsyncFn(&Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.database.until_known(self.deadline, statement).await
    }
}
