use jiff::Timestamp;
use runtime::auth::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    actors::Tokens,
    domain::{Account, Session},
    tokens::AccessToken,
};

/// An account.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct AccountBody {
    id: Uuid,
    /// In lower case.
    #[schema(format = "email", example = "ada@example.com")]
    email: String,
    #[schema(value_type = AccountRole)]
    role: Role,
    /// A disabled account neither logs in nor refreshes.
    disabled: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Account> for AccountBody {
    fn from(account: Account) -> Self {
        let Account { id, email, role, disabled, created_at, updated_at } = account;
        Self { id, email: email.to_string(), role, disabled, created_at, updated_at }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccount)]
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
#[schema(as = AccountChange)]
pub(super) struct AccountChangeBody {
    pub role: Option<AccountRole>,
    /// `true` also ends all sessions of the account.
    pub disabled: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Credentials)]
pub(super) struct LoginBody {
    #[schema(required, nullable = false, format = "email", example = "ada@example.com")]
    pub email: Option<String>,
    #[schema(required, nullable = false, format = "password")]
    pub password: Option<String>,
}

/// An access token and its use.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessToken)]
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

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionTokens)]
pub(super) struct SessionTokensBody {
    #[serde(flatten)]
    access: TokenBody,
    /// Good for one POST /auth/refresh, which answers the next one.
    refresh_token: String,
    /// Life of the refresh token in seconds.
    #[schema(example = 1_209_600)]
    refresh_expires_in: u64,
}

impl From<Tokens> for SessionTokensBody {
    fn from(tokens: Tokens) -> Self {
        Self {
            access: tokens.access.into(),
            refresh_token: tokens.refresh.expose().to_owned(),
            refresh_expires_in: tokens.refresh_expires_in.as_secs(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SessionRefresh)]
pub(super) struct RefreshBody {
    #[schema(format = "password")]
    pub refresh_token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Logout)]
pub(super) struct LogoutBody {
    #[schema(format = "password")]
    pub refresh_token: String,
    /// Whether all sessions of the account end.
    #[serde(default)]
    pub all: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordChange)]
pub(super) struct PasswordBody {
    #[schema(required, nullable = false, format = "password")]
    pub old_password: Option<String>,
    #[schema(required, nullable = false, format = "password", min_length = 8, max_length = 128)]
    pub new_password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmailChange)]
pub(super) struct EmailBody {
    #[schema(required, nullable = false, format = "email", max_length = 254, example = "ada@example.com")]
    pub email: Option<String>,
    /// The current one.
    #[schema(required, nullable = false, format = "password")]
    pub password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountDeletion)]
pub(super) struct DeletionBody {
    /// The current one.
    #[schema(required, nullable = false, format = "password")]
    pub password: Option<String>,
}

/// A login.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionBody {
    id: Uuid,
    created_at: Timestamp,
    last_used_at: Timestamp,
    /// Without a refresh until then.
    expires_at: Timestamp,
}

impl From<Session> for SessionBody {
    fn from(session: Session) -> Self {
        let Session { id, created_at, last_used_at, expires_at } = session;
        Self { id, created_at, last_used_at, expires_at }
    }
}

/// All sessions of an account, at most 100.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionList)]
pub(super) struct SessionsBody {
    pub data: Vec<SessionBody>,
}
