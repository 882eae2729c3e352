mod account_repository;
mod accounts;
mod password_hasher;
mod service_tokens;

pub use account_repository::{AccountRepository, AccountsError};
pub use accounts::{Accounts, AccountsParts, ChangeRole, FindAccount, ListAccounts, LogIn, Login, Register};
pub use password_hasher::{HasherError, PasswordHasher};
pub use service_tokens::{IssueServiceToken, ServiceTokens};
