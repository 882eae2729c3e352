mod account_repository;
mod accounts;
mod clients;
mod keyring;
mod own_account;
mod password_hasher;
mod rate_limits;
mod sessions;
mod signing_keys;

pub use account_repository::{AccountRepository, AccountsError};
pub use accounts::{Accounts, ChangeAccount, DeleteAccount, FindAccount, IsAdmin, ListAccounts, Register};
pub use clients::{
    ClientCredentials, ClientGrant, Clients, ClientsParts, CreateClient, GRANTS, IssueClientToken,
    ListClients, NewSecret, RevokeClient, RevokeClientToken, RotateClientSecret, TokenRevocation, ValidToken,
};
pub use keyring::Keyring;
pub use own_account::{ChangeEmail, DeleteOwnAccount};
pub use password_hasher::{HasherError, OURSELVES, PasswordHasher};
pub use rate_limits::{CountCall, RateLimits};
pub use sessions::{
    ChangePassword, EndSession, LOGINS, ListSessions, LogIn, LogOut, Login, PasswordChange, Refresh,
    Refreshed, Sessions, SessionsParts, Tokens,
};
pub use signing_keys::{ListKeys, RetireKey, RotateKey, SigningKeys};
