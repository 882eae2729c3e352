use jiff::Timestamp;
use runtime::auth::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{domain::Account, tokens::AccessToken};

/// An account.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct AccountBody {
    id: Uuid,
    /// In lower case.
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

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterBody {
    #[schema(required, nullable = false, format = "email", max_length = 254, example = "ada@example.com")]
    pub email: Option<String>,
    #[schema(required, nullable = false, format = "password", min_length = 8, max_length = 128)]
    pub password: Option<String>,
}

/// The roles of accounts. SERVICE is a role of tokens only.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum AccountRole {
    User,
    Admin,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleBody {
    pub role: AccountRole,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    #[schema(required, nullable = false, format = "email", example = "ada@example.com")]
    pub email: Option<String>,
    #[schema(required, nullable = false, format = "password")]
    pub password: Option<String>,
}

/// An access token and its use.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenBody {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Life of the token in seconds.
    #[schema(example = 600)]
    expires_in: u64,
}

impl From<AccessToken> for TokenBody {
    fn from(token: AccessToken) -> Self {
        Self { access_token: token.text, token_type: "Bearer", expires_in: token.expires_in.as_secs() }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceTokenBody {
    #[schema(example = "payment")]
    pub client_id: String,
    #[schema(format = "password", min_length = 16)]
    pub client_secret: String,
}
