//! The actors of this service, and what they share.

mod accounts;
mod ledger;
mod password_hasher;
mod service_tokens;

pub use accounts::{Accounts, ChangeRole, FindAccount, ListAccounts, LogIn, Login, Register};
pub use ledger::{AccountsError, Ledger};
pub use password_hasher::{HasherError, PasswordHasher};
pub use service_tokens::{IssueServiceToken, ServiceTokens};
