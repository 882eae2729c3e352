//! What must be in the database before the service can work: the schema, a signing key, the first ADMIN.

use std::time::Duration;

use refinery::Runner;
use runtime::{
    auth::Role,
    db::{self, Database, DbError},
};

use super::StartError;
use crate::{
    actors::{Ledger, PasswordHasher},
    domain::{Registration, SigningKey},
    settings::{NewAdmin, Settings},
    store::{accounts, signing_keys},
    tokens,
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The schema of this service.
pub fn migrations() -> Runner {
    embedded::migrations::runner()
}

/// Prepares the database, waiting for it if it is not up yet; the signing keys, newest first.
pub(super) async fn prepare(
    settings: &Settings,
    hasher: &PasswordHasher,
) -> Result<Vec<SigningKey>, StartError> {
    db::prepare(&settings.common.database, migrations).await?;
    let database = Database::open("preparation", &settings.common.database)?;
    let keys = signing_keys(&database, &tokens::generate()?).await?;
    let ledger = Ledger {
        database: database.clone(),
        hasher: hasher.clone(),
        deadline: settings.common.database.commit_deadline,
    };
    if let Some(admin) = &settings.first_admin {
        create_unless_there(&ledger, admin).await?;
    }
    database.close();
    Ok(keys)
}

/// Waits for a database that went away since the schema was prepared.
async fn signing_keys(database: &Database, fresh: &SigningKey) -> Result<Vec<SigningKey>, DbError> {
    loop {
        let keys = async { signing_keys::load_or_insert(&database.connection().await?, fresh).await };
        match keys.await {
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "the signing keys cannot be loaded yet; trying again")
            }
            keys => return keys,
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Never changes an account: whoever has the e-mail by now keeps role and password.
async fn create_unless_there(
    ledger: &Ledger,
    NewAdmin { email, password }: &NewAdmin,
) -> Result<(), StartError> {
    if accounts::find_by_email(&ledger.database.connection().await?, email).await?.is_some() {
        return Ok(());
    }
    if let Registration::Created(account) =
        ledger.create(email.clone(), password.clone(), Role::Admin).await?
    {
        tracing::info!(audit = true, account = %account.id, "the first ADMIN was created");
    }
    Ok(())
}
