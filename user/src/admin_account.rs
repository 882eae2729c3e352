//! `user create-admin` and `user reset-admin`: print JSON or an error, and no log: `shopctl admin` parses standard
//! output.

use std::process::ExitCode;

use runtime::{
    auth::Role,
    db::{Database, DbError, Failure},
    process::{complain, print},
};
use serde_json::{Value, json};

use crate::{
    actors::{AccountRepository, AccountsError, HasherError, OURSELVES, PasswordHasher},
    domain::{Account, Email, Registration},
    preparation::record_admin,
    settings::{AdminSettings, NewAdmin},
    startup::migrations,
    store::{accounts, login_attempts},
};

#[derive(Debug, thiserror::Error)]
enum AdminError {
    #[error(transparent)]
    Migration(#[from] runtime::db::MigrationError),
    #[error("the database cannot be opened: {0}")]
    Pool(#[from] deadpool_postgres::BuildError),
    #[error(transparent)]
    Hasher(#[from] HasherError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error(transparent)]
    Database(#[from] Failure),
    #[error("an account with the e-mail {0} exists; an ADMIN can change its role with PATCH /users/{{id}}")]
    EmailTaken(Email),
    #[error("no ADMIN has the e-mail {0}; `shopctl admin create` makes one")]
    NoAdmin(Email),
}

impl From<DbError> for AdminError {
    fn from(error: DbError) -> Self {
        Failure::from(error).into()
    }
}

/// Creates an ADMIN.
pub fn create(settings: &AdminSettings) -> ExitCode {
    finish(async {
        let repository = open(settings).await?;
        let NewAdmin { email, password } = settings.admin.clone();
        match repository.create(OURSELVES, email.clone(), password, Role::Admin).await? {
            Registration::Created(account) => {
                record(&repository.database, "user create-admin", &account).await;
                Ok(account)
            }
            Registration::EmailTaken => Err(AdminError::EmailTaken(email)),
        }
    })
}

/// Gives an ADMIN another password and enables it. Its sessions and tokens end, and so does a block of its logins.
pub fn reset(settings: &AdminSettings) -> ExitCode {
    finish(async {
        let repository = open(settings).await?;
        let NewAdmin { email, password } = settings.admin.clone();
        let hash = repository.hasher.hash(OURSELVES, password).await?;
        let reset = async |connection: &_| accounts::reset_admin(connection, &email, &hash).await;
        let account =
            repository.until_known(reset).await?.ok_or_else(|| AdminError::NoAdmin(email.clone()))?;
        repository.until_known(async |connection| login_attempts::forget(connection, &email).await).await?;
        record(&repository.database, "user reset-admin", &account).await;
        Ok(account)
    })
}

/// The act is done, whatever becomes of its record.
async fn record(database: &Database, command: &str, account: &Account) {
    if let Err(error) = record_admin(database, command, account.id).await {
        complain(format_args!("the audit trail has no record of it: {error}"));
    }
}

fn finish(task: impl Future<Output = Result<Account, AdminError>>) -> ExitCode {
    match actix_rt::System::new().block_on(task) {
        Ok(account) => print(shown(&account)),
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}

fn shown(account: &Account) -> Value {
    json!({"id": account.id, "email": account.email.as_str(), "role": account.role})
}

async fn open(settings: &AdminSettings) -> Result<AccountRepository, AdminError> {
    if settings.database.migrate_on_start {
        runtime::db::migrate(&settings.database, migrations()).await?;
    }
    let database = Database::open("admin-account", &settings.database)?;
    let hasher = PasswordHasher::new(1, 0, 1)?;
    Ok(AccountRepository { database, hasher, deadline: settings.database.commit_deadline })
}
