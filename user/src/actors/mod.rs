mod account_repository;
mod accounts;
mod key_watch;
mod password_hasher;
mod service_tokens;
mod sessions;

pub use account_repository::{AccountRepository, AccountsError};
pub use accounts::{Accounts, ChangeAccount, FindAccount, ListAccounts, Register};
pub use key_watch::{KeyWatch, KeyWatchParts};
pub use password_hasher::{HasherError, PasswordHasher};
pub use service_tokens::{IssueServiceToken, ServiceTokens};
pub use sessions::{
    ChangePassword, EndSession, ListSessions, LogIn, LogOut, Login, PasswordChange, Refresh, Sessions,
    SessionsParts, Tokens,
};
