//! `user create-admin`: prints JSON or an error, and no log: `shopctl admin create` parses standard output.

use std::process::ExitCode;

use runtime::{auth::Role, db::Database};
use serde_json::{Value, json};

use crate::{
    actors::{AccountRepository, AccountsError, HasherError, PasswordHasher},
    domain::Registration,
    settings::{CreateAdminSettings, NewAdmin},
    startup::migrations,
};

#[derive(Debug, thiserror::Error)]
enum CreateAdminError {
    #[error(transparent)]
    Migration(#[from] runtime::db::MigrationError),
    #[error("the database cannot be opened: {0}")]
    Pool(#[from] deadpool_postgres::BuildError),
    #[error(transparent)]
    Hasher(#[from] HasherError),
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    #[error("an account with the e-mail {0} exists; an ADMIN can change its role with PATCH /users/{{id}}")]
    EmailTaken(crate::domain::Email),
}

pub fn run(settings: &CreateAdminSettings) -> ExitCode {
    match actix_rt::System::new().block_on(create(settings)) {
        Ok(account) => {
            println!("{account}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn create(settings: &CreateAdminSettings) -> Result<Value, CreateAdminError> {
    if settings.database.migrate_on_start {
        runtime::db::migrate(&settings.database, migrations()).await?;
    }
    let database = Database::open("create-admin", &settings.database)?;
    let repository = AccountRepository {
        database,
        hasher: PasswordHasher::new(1, 0)?,
        deadline: settings.database.commit_deadline,
    };
    let NewAdmin { email, password } = settings.admin.clone();
    match repository.create(email.clone(), password, Role::Admin).await? {
        Registration::Created(account) => {
            Ok(json!({"id": account.id, "email": account.email.as_str(), "role": account.role}))
        }
        Registration::EmailTaken => Err(CreateAdminError::EmailTaken(email)),
    }
}
