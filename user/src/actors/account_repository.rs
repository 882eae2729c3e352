use std::time::{Duration, Instant};

use runtime::{
    auth::Role,
    db::{Connection, Database, DbError, Fault},
};
use uuid::Uuid;

use super::{HasherError, PasswordHasher};
use crate::{
    domain::{Account, Email, Password, Registration},
    store::accounts::{self, NewAccount},
    tokens::IssueError,
};

/// Long enough for a restarting server, short against `commit-deadline`.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

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
    #[error("the database is not available: {0}")]
    Unavailable(DbError),
    #[error("the database refused the statement: {0}")]
    Refused(DbError),
    #[error("a password could not be hashed")]
    Hashing,
    #[error(transparent)]
    Signing(#[from] IssueError),
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
        if error.is_transient() { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}

impl AccountRepository {
    /// Creates an account, unless its e-mail is taken.
    pub async fn create(
        &self,
        email: Email,
        password: Password,
        role: Role,
    ) -> Result<Registration, AccountsError> {
        let password_hash = self.hasher.hash(password).await?;
        let new = NewAccount { id: Uuid::now_v7(), email, password_hash, role };
        Ok(self.retry_until_known(async |connection| accounts::insert(connection, &new).await).await?)
    }

    /// Finds the account if the password matches. An unknown e-mail takes the same time.
    pub async fn authenticate(
        &self,
        email: Option<Email>,
        password: Password,
    ) -> Result<Option<Account>, AccountsError> {
        let found = match &email {
            Some(email) => {
                self.retry_until_known(async |connection| accounts::find_by_email(connection, email).await)
                    .await?
            }
            None => None,
        };
        let stored = found.as_ref().map(|credentials| credentials.password_hash.clone());
        let same = self.hasher.verify(password, stored).await?;
        Ok(found.filter(|_| same).map(|credentials| credentials.account))
    }

    /// Retries an idempotent statement until its outcome is known. Fails at once if the first attempt finds
    /// no connection.
    pub async fn retry_until_known<T>(
        &self,
        statement: impl AsyncFn(&Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let started = Instant::now();
        let mut may_have_happened = false;
        loop {
            let error = match self.attempt(&statement).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            may_have_happened |= error.fault == Fault::Lost;
            let never_began = error.fault == Fault::Unreachable && !may_have_happened;
            if never_began || !error.is_transient() || started.elapsed() >= self.deadline {
                return Err(error);
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn attempt<T>(
        &self,
        statement: &impl AsyncFn(&Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        statement(&self.database.connection().await?).await
    }
}
