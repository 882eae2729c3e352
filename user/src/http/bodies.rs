use jiff::Timestamp;
use runtime::auth::Role;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::Account;

/// An account as clients see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountBody {
    id: Uuid,
    /// Lower-cased.
    #[schema(format = "email", example = "ada@example.com")]
    email: String,
    role: Role,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Account> for AccountBody {
    fn from(account: Account) -> Self {
        let Account { id, email, role, created_at, updated_at } = account;
        Self { id, email: email.to_string(), role, created_at, updated_at }
    }
}
